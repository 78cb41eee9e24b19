"""The last word of a run comes alone: after the write in flight and the beat, and never of a run that is another's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from automation.domain.errors import Unavailable
from automation.domain.executions import ExecutionStatus, LogLevel
from automation.engine.runs import conductor, heartbeat, outages
from automation.storage.runs import (
    Ending,
    Finished,
    HandedBack,
    Outcome,
    Runs,
)
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import Held, a_near_worker
from tests.engine.runs.held_store import CANCELLED, Store, conducting, turns, until
from tests.engine.scenes import Scene, a_call, scene_in
from tests.engine.workers import called


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.0)
    monkeypatch.setattr(conductor, "PATIENCE", 0.0)
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 0.0)


async def test_it_waits_for_the_write_in_flight_of_a_run_that_is_broken_off() -> None:
    store = Store(held={"ActionDone"})
    conducted = asyncio.create_task(conducting(store, number=2).conduct())
    await store.begun["ActionDone"].wait()
    store.renewal = CANCELLED
    await until(lambda: store.noted[-1] == "renew ends")
    await turns()
    before = list(store.noted)

    store.go.set()
    await conducted

    assert before.count("ActionDone begins") == 1
    assert "end begins" not in before
    assert store.noted.index("ActionDone ends") < store.noted.index("end begins")
    assert [type(ending) for ending in store.endings] == [Finished]


async def test_it_waits_for_the_beat_in_flight() -> None:
    store = Store(held={"renew"})
    conducted = asyncio.create_task(conducting(store, number=2, taken_over=True).conduct())
    await store.begun["renew"].wait()
    await until(lambda: "ActionDone ends" in store.noted)
    await turns()
    before = list(store.noted)

    store.go.set()
    await conducted

    assert "end begins" not in before
    assert store.count("renew begins") == 1
    assert store.noted[-2:] == ["end begins", "end ends"]


@pytest.mark.parametrize("name", ["CallBegins", "ActionDone", "renew"])
async def test_a_run_that_is_anothers_has_none(name: str) -> None:
    store = Store(answers={name: [None]}, held={"CallBegins"} if name == "renew" else set())

    with capture_logs() as lines:
        conducted = asyncio.create_task(conducting(store, number=2, taken_over=True).conduct())
        await store.begun[name].wait()
        await turns()
        store.go.set()
        await conducted

    assert store.endings == []
    assert [line["event"] for line in lines] == ["run lost"]


async def test_a_run_whose_last_write_finds_it_anothers_is_lost_and_not_finished() -> None:
    store = Store(answers={"end": [None]})

    with capture_logs() as lines:
        await conducting(store).conduct()

    assert len(store.endings) == 1
    assert [line["event"] for line in lines] == ["run lost"]


async def test_a_run_that_breaks_by_a_defect_ends_as_failed_and_nobody_knows_what_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store()
    made = conducting(store)

    async def broken() -> Ending:
        raise ZeroDivisionError

    monkeypatch.setattr(made._run, "go", broken)
    with capture_logs():
        await made.conduct()

    (ending,) = store.endings
    assert isinstance(ending, Finished)
    assert (ending.status, ending.outcome_unknown) == (ExecutionStatus.FAILED, True)
    assert ending.error_message == "The execution could not be run: an internal error."
    assert ending.last is not None
    assert (ending.last.level, ending.last.message) == (LogLevel.ERROR, ending.error_message)


async def test_what_was_not_recorded_and_finds_the_run_anothers_is_no_end_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 3600.0)
    store = Store(answers={"ActionDone": [Unavailable(), None]})

    with capture_logs() as lines:
        conducts = conducting(store, number=2)
        conducted = asyncio.create_task(conducts.conduct())
        await until(lambda: "ActionDone ends" in store.noted)
        conducts.break_off()
        await conducted

    assert store.count("ActionDone begins") == 2
    assert store.endings == []
    assert [line["event"] for line in lines] == ["run lost"]


async def test_what_the_last_action_came_to_is_stored_with_the_end() -> None:
    store = Store()

    await conducting(store, number=2).conduct()

    assert [note for note in store.noted if note.endswith("begins") and not note.startswith(("renew", "log"))] == [
        "CallBegins begins",
        "ActionDone begins",
        "CallBegins begins",
        "end begins",
    ]
    assert [done and (done.index, done.failed) for done in store.done] == [(1, False)]


async def test_what_was_not_recorded_when_a_run_was_cancelled_is_stored_with_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "_FIRST_PAUSE", 3600.0)
    store = Store(answers={"ActionDone": [Unavailable()]})
    conducted = asyncio.create_task(conducting(store, number=2).conduct())
    await until(lambda: "ActionDone ends" in store.noted)

    store.renewal = CANCELLED
    await conducted

    assert store.count("ActionDone begins") == 1
    assert [done and done.index for done in store.done] == [0]
    assert [type(ending) for ending in store.endings] == [Finished]


async def test_a_run_that_was_to_be_handed_back_and_was_cancelled_meanwhile_ends_so() -> None:
    store = Store(held={"CallBegins"}, answers={"end": [Outcome.CANCELLED, ExecutionStatus.CANCELLED]})
    conducts = conducting(store)
    conducted = asyncio.create_task(conducts.conduct())
    await store.begun["CallBegins"].wait()

    conducts.break_off()
    await turns()
    store.go.set()
    await conducted

    handed_back, finished = store.endings
    assert isinstance(handed_back, HandedBack)
    assert isinstance(finished, Finished)
    assert finished.status is ExecutionStatus.CANCELLED


async def test_an_end_that_cannot_be_stored_at_first_is_stored_later_and_once() -> None:
    store = Store(answers={"end": [Unavailable(), Unavailable(), ExecutionStatus.COMPLETED]})

    with capture_logs() as lines:
        await conducting(store).conduct()

    assert store.count("end begins") == 3
    assert len({id(ending) for ending in store.endings}) == 1
    assert [(line["event"], line["status"]) for line in lines] == [("run finished", ExecutionStatus.COMPLETED)]


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


async def test_a_worker_that_stops_waits_until_what_it_hands_back_is_handed_back(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    class Slow(Runs):
        """Hands back when the test says so."""

        async def end(self, *what: Any, **how: Any) -> Any:
            asked.set()
            await go.wait()
            return await super().end(*what, **how)

    receiver.answer = Held()
    with capture_logs() as lines:
        async with a_near_worker(database_urls, runs=Slow, drain=0.0) as worker:
            execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
            await called(receiver)
            worker.stop.set()
            await asked.wait()
            await turns()
            early = worker.ended.done()
            go.set()
            await worker.ended

    assert early is False
    assert (await scene.read(execution))["status"] == "running"  # another worker's, from now on
    assert [line["event"] for line in lines if line["event"].startswith(("run ", "stopped"))] == ["run handed back"]
