"""A run's log has one writer, one order and each entry once, whatever becomes of the statements that store it."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from automation.domain.errors import Unavailable
from automation.engine.runs import heartbeat, outages
from automation.storage.pool.database import Database
from automation.storage.runs import ActionDone, Claim, LogPart, Runs, Write
from automation.storage.runs.claim import NOTHING
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Answer, Receiver
from tests.engine.near import Held, a_near_worker
from tests.engine.scenes import Document, Scene, a_call, a_wait, messages, scene_in
from tests.engine.workers import a_worker, answering, called, in_turn, slowly, worker_settings

FAILING = answering("503 Service Unavailable")
CONDITIONS = ({"field": "trigger.order", "operator": "equals", "value": 7},)

STARTED = "Attempt 1 started with version 1 of the rule"


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


class SlowLog(Runs):
    """What a beat stores is on its way for a while, and the run goes on meanwhile."""

    async def log(self, claim: Claim, *logs: Any) -> Any:
        await asyncio.sleep(0.5)
        return await super().log(claim, *logs)


class LostAnswers(Runs):
    """Each kind of write is done, and its first answer is lost."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._lost: set[bytes] = set()

    async def _write(self, query: bytes, *parameters: Any, **how: Any) -> Any:
        answer = await super()._write(query, *parameters, **how)
        if query not in self._lost:
            self._lost.add(query)
            raise Unavailable("The answer is lost.")
        return answer


def expect_told(execution: Document, *patterns: str) -> None:
    """Check that the log says exactly this, in this order."""
    told = messages(execution)
    assert len(told) == len(patterns), told
    assert all(re.search(pattern, line) for pattern, line in zip(patterns, told, strict=True)), told


async def test_what_a_beat_stores_stands_before_what_came_after_it(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    receiver.answer = in_turn(slowly(0.3, FAILING), slowly(0.3, FAILING), answering())
    async with a_near_worker(database_urls, runs=SlowLog):
        ended = await scene.run(a_call(receiver.url, retries=2), conditions=CONDITIONS)

    expect_told(ended, STARTED, "Condition met", "try 1 of 3", "try 2 of 3", "succeeded", "is completed")


async def test_an_entry_whose_answer_was_lost_is_told_once(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    receiver.answer = held = Held(in_turn(FAILING, answering()))
    async with a_near_worker(database_urls, runs=LostAnswers):
        rule = await scene.rule(a_call(receiver.url, retries=1), a_wait(0.1), conditions=CONDITIONS)
        execution = await scene.execute(rule, {"order": 7})
        await called(receiver)
        await asyncio.sleep(0.5)  # for some beats
        held.go.set()
        ended = await scene.ended(execution)

    expect_told(
        ended, STARTED, "Condition met", "try 1 of 2", "succeeded", "Waiting until", "The wait is over", "is completed"
    )


@pytest.mark.parametrize(("answer", "counted"), [(answering(), (1, 0)), (FAILING, (0, 1))], ids=["success", "failure"])
async def test_what_was_to_be_recorded_when_the_run_was_broken_off_is_counted_and_told(
    scene: Scene,
    database_urls: DatabaseUrls,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    *,
    answer: Answer,
    counted: tuple[int, int],
) -> None:
    asked = asyncio.Event()

    class Away(Runs):
        """The database is away when the action is to be recorded for the first time."""

        async def write(
            self, claim: Claim, write: Write, logs: LogPart = NOTHING, *, actions_seconds: float = 0
        ) -> Any:
            if isinstance(write, ActionDone) and not asked.is_set():
                asked.set()
                raise Unavailable("It is away.")
            return await super().write(claim, write, logs, actions_seconds=actions_seconds)

    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 3600.0)
    receiver.answer = answer
    async with a_near_worker(database_urls, runs=Away):
        execution = await scene.execute(await scene.rule(a_call(receiver.url, go_on=True), a_call(receiver.url)))
        await asked.wait()
        await scene.executions.cancel(scene.tenant, execution)
        ended = await scene.ended(execution)

    assert ended["status"] == "cancelled"
    assert (ended["actions_successful"], ended["actions_failed"]) == counted
    expect_told(ended, STARTED, "webhook_call (succeeded|failed)", "was cancelled")


@pytest.mark.process
async def test_an_attempt_is_told_of_before_its_first_call(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    receiver.answer = Held()
    with a_worker(worker_settings(database_urls)) as worker:
        execution = await scene.execute(
            await scene.rule(a_call(receiver.url, timeout=60), conditions=CONDITIONS), {"order": 7}
        )
        await called(receiver)
        worker.popen.kill()
        seen = await scene.read(execution)

    expect_told(seen, STARTED, "Condition met")


async def test_a_wait_that_is_over_is_counted_and_told_at_once(scene: Scene, database_urls: DatabaseUrls) -> None:
    class Claims(Runs):
        """A worker that dies as soon as it has claimed what has waited."""

        async def claim(self, *job: Any, **how: Any) -> Claim | None:
            claim = await super().claim(*job, **how)
            return None if claim is not None and claim.execution.waited else claim

    async with a_near_worker(database_urls, runs=Claims, lease=60):
        execution = await scene.execute(await scene.rule(a_wait(0.1), a_wait(600)))
        async with asyncio.timeout(20):
            while (seen := await scene.read(execution))["actions_successful"] == 0:  # noqa: ASYNC110 - of a database
                await asyncio.sleep(0.02)

    expect_told(seen, STARTED, "Waiting until", "The wait is over")


@pytest.mark.process
async def test_a_takeover_is_told_by_the_claim(scene: Scene, database_urls: DatabaseUrls, receiver: Receiver) -> None:
    receiver.answer = Held()
    with a_worker(worker_settings(database_urls)) as worker:
        execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
        await called(receiver)
        worker.popen.kill()
    _expire(database_urls)

    with a_worker(worker_settings(database_urls)) as worker:
        await called(receiver, 2)
        worker.popen.kill()
        seen = await scene.read(execution)

    expect_told(seen, STARTED, "goes on with another worker")


def _expire(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("UPDATE automation_executions SET lease_until = now(), due_at = now() WHERE status = 'running'")
