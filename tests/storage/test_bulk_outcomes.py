"""Outcomes of changes of many executions: of each its own, in the order that was asked, and until time is over."""

from collections.abc import Awaitable, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from automation.domain.audit import AuditResource, Deed
from automation.domain.errors import (
    ExecutionFinished,
    ExecutionNotFound,
    ExecutionNotRetriable,
    InvalidInput,
    TooManyPending,
    Unavailable,
)
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import Total
from automation.storage import bulk_changes
from automation.storage.bulk_changes import BulkChanges, Outcome, Place, TooLong, each_changed
from automation.storage.pool.database import Database
from automation.storage.pool.trail import TRAIL, Trail, trailing
from automation.storage.pool.unit_of_work import Opening
from tests.storage.runner import Runner

RULES, IDS = [UUID(int=each) for each in (1, 2)], [UUID(int=each) for each in range(11, 15)]
PLACES: list[Place] = [(RULES[1], IDS[0]), (RULES[0], IDS[3]), (RULES[0], IDS[1])]
OPENING = Opening(b"SELECT 1 AS one", {}, lambda _row: None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that changes take, as its only member."""
    now = [100.0]
    monkeypatch.setattr(bulk_changes, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def changes(database: Database) -> BulkChanges:
    return BulkChanges(database)


async def pending(runner: Runner, number: int) -> tuple[list[UUID], ExecutionFilter]:
    """Create executions of one rule, and return them with the filter that leaves them."""
    rule = await runner.rule()
    made = [await runner.execute(rule) for _ in range(number)]
    return made, ExecutionFilter(status=("pending",), automation_rule_id=(rule.rule_id,))


async def statuses(runner: Runner, executions: list[UUID]) -> list[str]:
    return [(await runner.document(each))["status"] for each in executions]


async def test_they_are_changed_in_the_order_of_their_rules_and_ids() -> None:
    changed: list[UUID] = []

    async def change(execution: UUID) -> None:
        changed.append(execution)

    outcomes = await each_changed(PLACES, change)

    assert changed == [IDS[1], IDS[3], IDS[0]]
    assert outcomes == {each: Outcome(each) for each in changed}


@pytest.mark.parametrize("error", [ExecutionFinished(), ExecutionNotFound(), TooManyPending(), InvalidInput("so")])
async def test_what_is_refused_leaves_the_others_alone_and_no_line(error: Any) -> None:
    deed = Deed(
        tenant=UUID(int=5),
        user=None,
        key_prefix=None,
        action="cancelAutomationExecutions",
        resource_type=AuditResource.EXECUTION,
        resource_id=None,
        client_address=None,
        request_id="",
    )

    async def change(execution: UUID) -> None:
        if (trail := TRAIL.get()) is not None:
            trail.notice({"execution": execution})
        if execution == IDS[1]:
            raise error

    without = await each_changed(PLACES, change)
    with trailing(deed):
        outcomes = await each_changed(PLACES, change)
        trail = TRAIL.get()
        assert isinstance(trail, Trail)
        named: Any = trail.lines()[1]

    refused = Outcome(IDS[1], error.code, error.detail)
    assert outcomes == without == {IDS[1]: refused, IDS[3]: Outcome(IDS[3]), IDS[0]: Outcome(IDS[0])}
    assert named["audit_ids"] == [str(IDS[3]), str(IDS[0])]


@pytest.mark.parametrize(("takes", "done"), [(0.0, 3), (1.0, 3), (1.5, 2), (3.0, 1)])
async def test_none_is_begun_once_time_is_over(clock: list[float], takes: float, done: int) -> None:
    async def change(_execution: UUID) -> None:
        clock[0] += takes

    try:
        outcomes = await each_changed(PLACES, change, until=102.0)
    except TooLong as long:
        outcomes = long.outcomes

    assert list(outcomes) == [IDS[1], IDS[3], IDS[0]][:done]
    assert len(await each_changed(PLACES, change)) == 3


async def test_by_their_ids_each_has_its_outcome_once_in_the_order_of_the_ids(
    runner: Runner, changes: BulkChanges
) -> None:
    executions, _ = await pending(runner, 2)
    unknown = uuid4()
    asked = [executions[1], unknown, executions[0], executions[1]]
    cancel = partial(runner.executions.cancel, runner.tenant)

    outcomes = await changes.of_ids(runner.tenant, asked, cancel, dry_run=False)

    not_found = Outcome(unknown, ExecutionNotFound().code, ExecutionNotFound().detail)
    assert outcomes == [Outcome(executions[1]), not_found, Outcome(executions[0])]
    assert await statuses(runner, executions) == ["cancelled"] * 2


@pytest.mark.parametrize(("takes", "is_done"), [(5.0, True), (5.5, False)])
async def test_by_their_ids_they_have_five_seconds(
    runner: Runner, changes: BulkChanges, clock: list[float], *, takes: float, is_done: bool
) -> None:
    executions, _ = await pending(runner, 2)

    async def cancel(execution: UUID) -> None:
        await runner.executions.cancel(runner.tenant, execution)
        clock[0] += takes

    async def ask() -> object:
        return await changes.of_ids(runner.tenant, executions, cancel, dry_run=False)

    if is_done:
        assert await ask() == [Outcome(each) for each in executions]
    else:
        with pytest.raises(Unavailable, match="fewer can be changed"):
            await ask()

    assert await statuses(runner, executions) == [("cancelled" if is_done else "pending")] * 2


@pytest.mark.parametrize(("takes", "is_done"), [(2.0, True), (2.5, False)])
@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_a_filter_leaves_has_two_seconds(
    runner: Runner, changes: BulkChanges, clock: list[float], *, takes: float, is_done: bool, dry_run: bool
) -> None:
    executions, wanted = await pending(runner, 2)
    first, _ = sorted(executions)

    async def cancel(execution: UUID) -> None:
        await runner.executions.cancel(runner.tenant, execution)
        clock[0] += takes

    found = await changes.of_filter(runner.tenant, wanted, cancel, dry_run=dry_run)

    all_of_them = ([Outcome(each) for each in executions], Total(2, exact=True))
    too_long = ([Outcome(first)], all_of_them[1]) if dry_run else all_of_them[1]
    assert found == (all_of_them if is_done else too_long)
    assert await statuses(runner, executions) == [("cancelled" if is_done and not dry_run else "pending")] * 2


@pytest.mark.parametrize("dry_run", [False, True])
async def test_of_more_than_are_changed_at_once_all_are_counted_and_none_is_changed(
    runner: Runner, changes: BulkChanges, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    monkeypatch.setattr(bulk_changes, "MOST", 2)
    executions, wanted = await pending(runner, 4)

    async def cancel(execution: UUID) -> None:
        await runner.executions.cancel(runner.tenant, execution)

    found = await changes.of_filter(runner.tenant, wanted, cancel, dry_run=dry_run)

    everything = Total(4, exact=True)
    assert found == (([Outcome(each) for each in executions[:2]], everything) if dry_run else everything)
    assert await statuses(runner, executions) == ["pending"] * 4


@pytest.mark.parametrize("dry_run", [False, True])
async def test_where_all_are_refused_nothing_stays_that_was_done_on_the_way(
    runner: Runner, changes: BulkChanges, *, dry_run: bool
) -> None:
    executions, wanted = await pending(runner, 2)

    async def cancel_and_refuse(execution: UUID) -> None:
        await runner.executions.cancel(runner.tenant, execution)
        raise ExecutionNotRetriable

    outcomes, total = await answered(changes.of_filter(runner.tenant, wanted, cancel_and_refuse, dry_run=dry_run))

    assert [(each.execution_id, each.code) for each in outcomes] == [
        (each, "execution_not_retriable") for each in executions
    ]
    assert total == Total(2, exact=True)
    assert await statuses(runner, executions) == ["pending"] * 2


async def answered(asked: Awaitable[Any]) -> tuple[list[Outcome], Total]:
    outcomes, total = await asked
    return outcomes, total


@pytest.mark.parametrize(
    ("dry_run", "ends", "status"), [(False, False, "pending"), (True, False, "pending"), (False, True, "cancelled")]
)
async def test_in_a_unit_of_work_they_are_part_of_it_while_it_has_not_ended(
    runner: Runner, changes: BulkChanges, database: Database, *, dry_run: bool, ends: bool, status: str
) -> None:
    executions, _ = await pending(runner, 1)
    cancel = partial(runner.executions.cancel, runner.tenant)

    async with database.unit_of_work(runner.tenant, OPENING) as unit:
        unit.ended = ends
        outcomes = await changes.of_ids(runner.tenant, executions, cancel, dry_run=dry_run)
        begun = unit.connection is not None

    assert outcomes == [Outcome(executions[0])]
    assert begun == (not dry_run and not ends)
    assert await statuses(runner, executions) == [status]


ASKED: dict[str, Callable[..., Awaitable[object]]] = {
    "by their ids": lambda changes, tenant, ids, _wanted, **how: changes.of_ids(tenant, ids, how.pop("change"), **how),
    "by a filter": lambda changes, tenant, _ids, wanted, **how: changes.of_filter(
        tenant, wanted, how.pop("change"), **how
    ),
}


@pytest.mark.parametrize("name", ASKED)
async def test_whoever_prepares_is_told_how_many_and_can_refuse_all(
    runner: Runner, changes: BulkChanges, name: str
) -> None:
    executions, wanted = await pending(runner, 2)
    cancel = partial(runner.executions.cancel, runner.tenant)
    told: list[int] = []

    async def prepare(count: int) -> None:
        told.append(count)
        raise TooManyPending

    with pytest.raises(TooManyPending):
        await ASKED[name](changes, runner.tenant, executions, wanted, change=cancel, dry_run=False, prepare=prepare)

    assert told == [2]
    assert await statuses(runner, executions) == ["pending"] * 2


@pytest.mark.parametrize("name", ASKED)
async def test_what_others_hold_is_not_left_to_them_unless_that_is_asked(
    runner: Runner, changes: BulkChanges, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async def free(_tenant: UUID, _places: object) -> list[Place]:
        return []

    executions, wanted = await pending(runner, 2)
    monkeypatch.setattr(changes, "_free", free)
    cancel = partial(runner.executions.cancel, runner.tenant)

    await ASKED[name](changes, runner.tenant, executions, wanted, change=cancel, dry_run=False)

    assert await statuses(runner, executions) == ["cancelled"] * 2


@pytest.mark.parametrize("dry_run", [False, True])
async def test_where_they_are_too_many_they_are_counted_exactly(
    runner: Runner, changes: BulkChanges, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    monkeypatch.setattr(bulk_changes, "MOST", 1)
    executions, wanted = await pending(runner, 3)
    cancel = partial(runner.executions.cancel, runner.tenant)

    found = await changes.of_filter(runner.tenant, wanted, cancel, dry_run=dry_run)

    assert found == (([Outcome(executions[0])], Total(3, exact=True)) if dry_run else Total(3, exact=True))
    assert await statuses(runner, executions) == ["pending"] * 3
