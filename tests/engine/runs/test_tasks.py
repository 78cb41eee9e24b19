"""Every task's end is looked at: asyncio complains of none, and the log tells what nobody expected."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from structlog.testing import capture_logs

from automation.domain.errors import Unavailable
from automation.engine.runs.patient_manager import PatientManager
from automation.engine.runs.tasks import leave, whole
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import a_near_worker
from tests.engine.scenes import Scene, a_call, scene_in


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


async def broken_off(error: Exception, *, times: int) -> None:
    """Wait for work that fails after whoever waits for it was broken off, so many times."""
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()
        raise error

    waiting = asyncio.create_task(whole(work()))
    for _ in range(times):
        await _turns()
        waiting.cancel()
    await _turns()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await _turns()
    gc.collect()


async def _turns() -> None:
    """Let the loop turn a few times."""
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_write_that_fails_in_an_outage_after_its_run_was_broken_off_is_expected(times: int) -> None:
    said = _complaints()

    with capture_logs() as logs:
        await broken_off(Unavailable(), times=times)

    assert (said, logs) == ([], [])


@pytest.mark.parametrize("times", [1, 2])
async def test_a_write_that_fails_otherwise_is_told(times: int) -> None:
    said = _complaints()

    with capture_logs() as logs:
        await broken_off(ValueError("a defect"), times=times)

    assert said == []
    assert [(line["log_level"], line["event"]) for line in logs] == [("error", "task failed that nobody waited for")]


async def test_what_is_expected_of_a_task_that_is_left_is_not_told() -> None:
    async def fail() -> None:
        raise KeyError

    task = asyncio.create_task(fail())
    with capture_logs() as logs:
        leave(task, KeyError)
        await asyncio.wait({task})
        await asyncio.sleep(0)

    assert logs == []


async def test_a_job_that_cannot_be_marked_at_first_is_marked_later(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(monkeypatch, times=2)
    async with a_near_worker(database_urls) as worker:
        await scene.run(a_call(receiver.url))
        await _no_jobs(database_urls)
        gc.collect()

    assert worker.complaints == []


async def test_a_job_that_cannot_be_marked_is_one_warning(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(monkeypatch, times=3)
    with capture_logs() as logs:
        async with a_near_worker(database_urls) as worker:
            await scene.run(a_call(receiver.url))
            async with asyncio.timeout(20):
                while not _warned(logs):  # noqa: ASYNC110 - a list has no event
                    await asyncio.sleep(0.05)
            gc.collect()

    assert len(_warned(logs)) == 1
    assert worker.complaints == []


def _complaints() -> list[str]:
    """Collect what asyncio complains of from now on."""
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
    return said


def _warned(logs: list[Any]) -> list[Any]:
    return [line for line in logs if line["event"] == "job not marked as done"]


def _fail(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Have the first writes of a job's end fail, as they do when the database goes away."""
    left = [ConnectorException("away") for _ in range(times)]
    finish = PatientManager._finish_together

    async def failing(manager: PatientManager, jobs: Sequence[int]) -> Sequence[None]:
        if left:
            raise left.pop()
        return await finish(manager, jobs)

    monkeypatch.setattr(PatientManager, "_finish_together", failing)


async def _no_jobs(urls: DatabaseUrls) -> None:
    query = b"SELECT count(*) FROM procrastinate.procrastinate_jobs"
    async with await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin, asyncio.timeout(20):
        while await (await admin.execute(query)).fetchone() != (0,):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.05)
