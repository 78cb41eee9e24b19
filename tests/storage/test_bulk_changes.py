"""Bulk changes: few at once, more not at all, and in one order whoever asks."""

import asyncio
import math
import time
from functools import partial
from types import SimpleNamespace
from uuid import UUID

import pytest

from automation.domain.errors import Unavailable
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import Total
from automation.storage import bulk_changes
from automation.storage.bulk_changes import BulkChanges, Outcome
from automation.storage.pool.database import Database
from automation.storage.pool.unit_of_work import Opening
from tests.storage.locks import somebody_else
from tests.storage.runner import Runner


@pytest.fixture
def changes(database: Database, monkeypatch: pytest.MonkeyPatch) -> BulkChanges:
    monkeypatch.setattr(bulk_changes, "MOST", 2)
    return BulkChanges(database)


async def test_where_a_filter_leaves_too_many_nothing_is_changed_and_they_are_counted(
    runner: Runner, changes: BulkChanges
) -> None:
    rule = await runner.rule()
    executions = [await runner.execute(rule) for _ in range(3)]
    pending = ExecutionFilter(status=("pending",), automation_rule_id=(rule.rule_id,))
    cancel = partial(runner.executions.cancel, runner.tenant)

    planned = await changes.of_filter(runner.tenant, pending, cancel, dry_run=True)
    found = await changes.of_filter(runner.tenant, pending, cancel, dry_run=False)

    assert planned == ([Outcome(each) for each in executions[:2]], Total(3, exact=True))
    assert found == Total(3, exact=True)
    assert {(await runner.document(each))["status"] for each in executions} == {"pending"}


@pytest.mark.parametrize("keyed", [False, True], ids=["alone", "in the unit of an Idempotency-Key"])
async def test_where_it_takes_long_what_a_filter_leaves_is_taken_back_and_counted(
    runner: Runner, changes: BulkChanges, database: Database, monkeypatch: pytest.MonkeyPatch, *, keyed: bool
) -> None:
    rule = await runner.rule()
    executions = sorted([await runner.execute(rule) for _ in range(2)])
    pending = ExecutionFilter(status=("pending",), automation_rule_id=(rule.rule_id,))
    clock = SimpleNamespace(monotonic=time.monotonic)

    async def cancel_slowly(execution: UUID) -> None:
        await runner.executions.cancel(runner.tenant, execution)
        clock.monotonic = lambda: math.inf

    monkeypatch.setattr(bulk_changes, "time", clock)
    planned = await changes.of_filter(runner.tenant, pending, cancel_slowly, dry_run=True)
    clock.monotonic = time.monotonic
    if keyed:
        async with database.unit_of_work(runner.tenant, Opening(b"SELECT 1 AS one", {}, lambda _row: None)) as unit:
            found = await changes.of_filter(runner.tenant, pending, cancel_slowly, dry_run=False)
            await unit.commit(b"SELECT 1 AS one", {})
    else:
        found = await changes.of_filter(runner.tenant, pending, cancel_slowly, dry_run=False)

    assert planned == ([Outcome(executions[0])], Total(2, exact=True))
    assert found == Total(2, exact=True)
    assert [(await runner.document(each))["status"] for each in executions] == ["pending"] * 2


async def test_where_it_takes_long_ids_are_refused_as_a_whole(
    runner: Runner, changes: BulkChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = await runner.execute()
    monkeypatch.setattr(bulk_changes, "LONGEST_BY_ID", -1.0)

    with pytest.raises(Unavailable, match="Nothing was changed"):
        await changes.of_ids(
            runner.tenant, [execution], partial(runner.executions.cancel, runner.tenant), dry_run=False
        )

    assert (await runner.document(execution))["status"] == "pending"


async def test_where_one_fails_nothing_was_changed(runner: Runner, changes: BulkChanges) -> None:
    executions = [await runner.execute() for _ in range(2)]

    async def cancel_and_break(execution: UUID) -> None:
        await runner.executions.cancel(runner.tenant, execution)
        if execution == max(executions):
            raise RuntimeError("the process is out of luck")

    with pytest.raises(RuntimeError):
        await changes.of_ids(runner.tenant, executions, cancel_and_break, dry_run=False)

    assert {(await runner.document(each))["status"] for each in executions} <= {"pending"}


async def test_two_that_change_the_same_never_wait_for_each_other_in_a_circle(
    runner: Runner, database: Database
) -> None:
    changes = BulkChanges(database)
    rules = [await runner.rule(max_concurrent_executions=1) for _ in range(3)]
    executions = [await runner.execute(rule) for rule in rules for _ in range(3)]
    cancel = partial(runner.executions.cancel, runner.tenant)

    both = await asyncio.gather(
        changes.of_ids(runner.tenant, executions, cancel, dry_run=False),
        changes.of_ids(runner.tenant, executions[::-1], cancel, dry_run=False),
    )

    assert [outcome.code for outcomes in both for outcome in outcomes] == [None] * 18


@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_somebody_else_is_deleting_is_left_to_him_and_not_waited_for(
    runner: Runner, database: Database, *, dry_run: bool
) -> None:
    rule = await runner.rule()
    executions = [await runner.failed(execution=await runner.execute(rule)) for _ in range(3)]
    failed = ExecutionFilter(status=("failed",), automation_rule_id=(rule.rule_id,))
    delete = partial(runner.executions.delete, runner.tenant)
    changes = BulkChanges(database)

    async with somebody_else(runner) as other:
        await other.execute("DELETE FROM automation_executions WHERE execution_id = %s", (executions[1],))
        passed = await changes.of_filter(runner.tenant, failed, delete, dry_run=dry_run, passing=True)
        await other.rollback()
    again = await changes.of_filter(runner.tenant, failed, delete, dry_run=dry_run, passing=True)

    left = executions if dry_run else [executions[1]]
    assert passed == ([Outcome(executions[0]), Outcome(executions[2])], Total(2, exact=True))
    assert again == ([Outcome(each) for each in left], Total(len(left), exact=True))
