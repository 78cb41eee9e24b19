"""Endings of a conducted run: those of what is given up and broken off, with their words, and what nobody waits for."""

import asyncio
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from automation.domain.executions import ExecutionStatus, LogLevel
from automation.engine.runs import conductor, heartbeat
from automation.engine.runs.ledger import BrokenOff, Cause
from automation.storage.runs import Ending, Finished, Outcome
from tests.engine.runs.held_store import CANCELLED, Store, conducting, turns
from tests.engine.runs.scripted import Script

UNWATCHED = "task failed that nobody waited for"


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.0)
    monkeypatch.setattr(conductor, "PATIENCE", 0.0)


def finished(store: Store) -> Finished:
    """Return the one ending that a store was told of."""
    (ending,) = store.endings
    assert isinstance(ending, Finished)
    return ending


@pytest.mark.parametrize("lost", [3, 4])
@pytest.mark.parametrize(
    ("actions", "place", "index"), [(3, "at action 2", 2), (2, "after the last action", None), (4, "at action 2", 2)]
)
async def test_a_run_that_too_many_workers_were_lost_of_is_given_up_where_it_stands(
    lost: int, actions: int, place: str, index: int | None
) -> None:
    store, script = Store(), Script()

    with capture_logs():
        await conducting(store, script, actions, lost_workers=lost, next_action=2).conduct()

    ending = finished(store)
    reason = f"The execution was given up: its worker was lost {lost} times in a row {place}."
    assert (ending.status, ending.error_message, ending.outcome_unknown) == (ExecutionStatus.FAILED, reason, True)
    assert ending.failed_action_index == index
    assert ending.last is not None
    assert (ending.last.level, ending.last.message, ending.last.action_index) == (LogLevel.ERROR, reason, index)
    assert script.calls == []


async def test_a_run_that_fewer_were_lost_of_goes_on() -> None:
    store, script = Store(), Script()

    await conducting(store, script, lost_workers=2).conduct()

    assert finished(store).status is ExecutionStatus.COMPLETED
    assert len(script.calls) == 1


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (None, "3600 s"),
        (3601, "3600 s"),
        (3600, "3600 s"),
        (3599, "3599 s, the tenant's limit max_run_seconds,"),
    ],
)
async def test_one_whose_time_is_over_says_whose_limit_it_was(most: int | None, words: str) -> None:
    store = Store(answers={"CallBegins": [Outcome.OUT_OF_TIME]})

    await conducting(store, most=most).conduct()

    ending = finished(store)
    reason = f"The execution's time of {words} was over."
    assert (ending.status, ending.error_message, ending.outcome_unknown) == (ExecutionStatus.TIMEOUT, reason, True)
    assert ending.last is not None
    assert (ending.last.level, ending.last.message) == (LogLevel.WARN, reason)


async def test_one_that_hears_of_a_cancel_as_a_call_begins_ends_as_cancelled_and_nobody_knows_what_it_did() -> None:
    store = Store(answers={"CallBegins": [Outcome.CANCELLED]})

    await conducting(store).conduct()

    ending = finished(store)
    assert (ending.status, ending.outcome_unknown) == (ExecutionStatus.CANCELLED, True)
    assert (ending.error_message, ending.last) == (None, None)


@pytest.mark.parametrize("name", ["end", "CallBegins"])
async def test_what_may_not_be_told_is_forgotten_when_a_run_is_over_or_lost(name: str) -> None:
    made = conducting(Store(answers={name: [None]}))
    await made._vault.learn(["a value that is secret"])

    with capture_logs():
        await made.conduct()

    assert made._vault.redaction._closed


@pytest.mark.parametrize(
    ("error", "told"),
    [(ValueError("a defect"), [UNWATCHED]), (BrokenOff(Cause.LOST), [])],
    ids=["a defect", "broken off"],
)
async def test_of_a_run_that_was_left_alone_a_defect_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: list[str]
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    store = Store()
    made = conducting(store)

    async def stubborn() -> Ending:
        begun.set()
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue
        raise error

    monkeypatch.setattr(made._run, "go", stubborn)
    with capture_logs() as lines:
        conducted = asyncio.create_task(made.conduct())
        await begun.wait()
        store.renewal = CANCELLED
        await conducted
        go.set()
        await turns()

    assert finished(store).status is ExecutionStatus.CANCELLED
    assert [line["event"] for line in lines if line["event"] != "run finished"] == told


async def test_a_defect_of_the_beat_that_is_in_flight_when_a_run_ends_is_told() -> None:
    store = Store(held={"renew"}, answers={"renew": [ValueError("a defect")]})

    with capture_logs() as lines:
        conducted = asyncio.create_task(conducting(store, taken_over=True).conduct())
        await store.begun["renew"].wait()
        await turns()
        store.go.set()
        await conducted

    assert finished(store).status is ExecutionStatus.COMPLETED
    assert [line["event"] for line in lines if line["event"] != "run finished"] == [UNWATCHED]


async def test_what_ended_in_time_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = conducting(Store())

    async def broken() -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(made._run, "go", broken)
    with capture_logs() as lines:
        await made.conduct()
        await turns()

    assert [line["event"] for line in lines] == ["run failed", "run finished"]
