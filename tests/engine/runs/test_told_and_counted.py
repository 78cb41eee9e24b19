"""Entries of an action's end are stored with what is counted of it, however the run is broken off, or neither is."""

import asyncio
from typing import Any, cast

import pytest

from automation.domain.executions import ExecutionStatus
from automation.engine.runs import conductor, heartbeat
from automation.engine.runs.journal import Journal
from automation.engine.runs.ledger import Ledger
from automation.engine.runs.vault import Vault
from automation.storage.runs import ActionDone, Ending, Finished, HandedBack, Runs, TryFailed, Write
from tests.engine.runs.held_store import CANCELLED, Store, conducting, turns, until
from tests.engine.runs.scripted import a_claim, a_content, say


@pytest.mark.parametrize("patience", [0.0, 10.0])
async def test_what_is_searched_for_secrets_as_a_run_is_cancelled_is_told_and_counted_or_neither(
    monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    searching, go = asyncio.Event(), asyncio.Event()

    async def held(_vault: Vault, value: Any) -> Any:
        searching.set()
        await go.wait()
        return value

    monkeypatch.setattr(heartbeat, "BEAT", 0.0)
    monkeypatch.setattr(conductor, "PATIENCE", patience)
    monkeypatch.setattr(Vault, "value", held)
    store = Store()
    conducted = asyncio.create_task(conducting(store).conduct())
    await searching.wait()

    store.renewal = CANCELLED
    await until(lambda: "end ends" in store.noted or (patience > 0 and store.count("renew ends") > 0))
    await turns()
    go.set()
    await conducted

    assert [type(ending) for ending in store.endings] == [Finished]
    assert [done is not None for done in store.done] == [patience > 0]
    assert ("said succeeded." in store.told) == (patience > 0)


async def test_what_an_action_came_to_is_not_told_before_it_is_counted() -> None:
    store, journal = Store(), Journal()
    claim = a_claim(a_content((say(),), {}), {})
    ledger = Ledger(cast("Runs", store), claim, journal, 15.0)
    journal.write("said succeeded.")
    ledger.keep(ActionDone(index=0, result={}, failed=False))

    await ledger.tell()
    await ledger.end(Finished(status=ExecutionStatus.COMPLETED))

    assert store.noted == ["end begins", "end ends"]
    assert store.told == ["said succeeded."]


@pytest.mark.parametrize(
    ("unrecorded", "ending", "with_the_end"),
    [
        (ActionDone(index=0, result={}, failed=False), Finished(status=ExecutionStatus.COMPLETED), True),
        (ActionDone(index=0, result={}, failed=False), HandedBack(), False),
        (TryFailed(tries=1, keep_call_key=True), Finished(status=ExecutionStatus.TIMEOUT), False),
        (TryFailed(tries=1, keep_call_key=True), HandedBack(), False),
    ],
    ids=str,
)
async def test_only_an_actions_end_is_stored_with_an_end_and_all_else_before_it(
    unrecorded: Write, ending: Ending, *, with_the_end: bool
) -> None:
    name = type(unrecorded).__name__
    store = Store(held={name})
    ledger = Ledger(cast("Runs", store), a_claim(a_content((say(),), {}), {}), Journal(), 15.0)
    recording = asyncio.create_task(ledger.record(unrecorded))
    await store.begun[name].wait()
    recording.cancel()  # whether it was stored, nobody has heard
    store.go.set()
    await asyncio.wait({recording})
    store.noted.clear()

    await ledger.end(ending)

    assert store.noted[-2:] == ["end begins", "end ends"]
    assert store.noted[:-2] == ([] if with_the_end else [f"{name} begins", f"{name} ends"])
    assert store.done == [unrecorded if with_the_end else None]
