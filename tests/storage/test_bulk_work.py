"""Bulk operations are done batch by batch, each execution once, with the rights of who asked for it."""

import math
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.bulk_operations import BulkAction, BulkOrder, BulkRefusal, BulkStatus
from automation.domain.errors import BulkOperationNotFound, TooManyBulkOperations, Unavailable
from automation.domain.executions import ExecutionFilter
from automation.domain.limits import DEFAULTS, Limit
from automation.domain.pages import PageRequest, Total
from automation.domain.permissions import Role
from automation.domain.principal import Principal
from automation.domain.rules import Rule
from automation.service import bulk_rounds
from automation.service.bulk_rounds import BulkRounds
from automation.storage.bulk_operations import MOST_OPEN, BulkOperations
from automation.storage.bulk_work import BulkWork, NoRoom, OpenOperation
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner
from tests.storage.samples import Sample, prefix_of

CANCEL = BulkOrder(action=BulkAction.CANCEL)
DELETE = BulkOrder(action=BulkAction.DELETE)
RETRY = BulkOrder(action=BulkAction.RETRY, retry_from="start", rule_version="original")


@pytest.fixture(autouse=True)
def _none_of_others(database_urls: DatabaseUrls) -> None:
    """Remove what other tests left: one operation after the other is done in a database."""
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("DELETE FROM automation_bulk_refusals")
        admin.execute("DELETE FROM automation_bulk_operations")


@pytest.fixture
def operations(database: Database) -> BulkOperations:
    return BulkOperations(database)


@pytest.fixture
def work(database: Database) -> BulkWork:
    return BulkWork(database, Executions(database))


@pytest.fixture
async def rule(runner: Runner) -> Rule:
    return await runner.rule()


def principal_of(sample: Sample) -> Principal:
    """Return somebody who may do anything, with a key of theirs."""
    user = sample.administration.create_user(sample.tenant, f"{uuid4()}@example.com", Role.OPERATOR).user
    digest = secrets.token_bytes(32)
    key = sample.administration.create_key(sample.tenant, user, digest=digest, prefix=prefix_of(digest))
    return Principal(sample.tenant, user, frozenset(), key.prefix)


async def begun(
    operations: BulkOperations, asking: Principal, rule: Rule, order: BulkOrder = CANCEL, **filters: Any
) -> UUID:
    """Begin an operation on a rule's executions, and return its id."""
    wanted = ExecutionFilter(automation_rule_id=(rule.rule_id,), **filters)
    operation = await operations.begin(asking, order, wanted, Total(5, exact=True), "a request")
    return operation.bulk_operation_id


async def following(work: BulkWork) -> OpenOperation:
    """Return the operation whose turn it is, which there must be."""
    operation = await work.next()
    assert operation is not None
    return operation


async def test_an_operation_is_done_in_batches_and_says_what_was_done_and_refused(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork
) -> None:
    asking = principal_of(runner.sample)
    executions = [await runner.execute(rule) for _ in range(5)]
    identifier = await begun(operations, asking, rule, DELETE)
    later = await runner.execute(rule)
    for each in executions[:3]:
        await runner.executions.cancel(runner.tenant, each)

    looked_at = [await work.batch(await following(work), 2) for _ in range(3)]

    operation = await operations.get(runner.tenant, identifier)
    refusals = await operations.refusals(runner.tenant, identifier, PageRequest(100, ascending=True))
    assert looked_at == [2, 2, 1]
    assert await work.next() is None
    assert (operation.status, operation.done, operation.refused) == (BulkStatus.COMPLETED, 3, 2)
    assert [(each.execution_id, each.code) for each in refusals.items] == [
        (each, "execution_not_finished") for each in executions[3:]
    ]
    assert (await runner.document(later))["status"] == "pending"


async def test_a_batch_that_breaks_off_is_done_anew_and_one_that_was_done_is_not(
    runner: Runner,
    rule: Rule,
    operations: BulkOperations,
    *,
    work: BulkWork,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executions = [await runner.execute(rule) for _ in range(2)]
    identifier = await begun(operations, principal_of(runner.sample), rule)
    operation = await following(work)
    broken = Executions(database)

    async def cancel_and_break(tenant: UUID, execution: UUID) -> None:
        await runner.executions.cancel(tenant, execution)
        if execution == max(executions):
            raise RuntimeError("the process is out of luck")

    monkeypatch.setattr(broken, "cancel", cancel_and_break)
    with pytest.raises(RuntimeError):
        await BulkWork(database, broken).batch(operation, 2)
    taken_back = {(await runner.document(each))["status"] for each in executions}

    first = await work.batch(operation, 1)
    again = await work.batch(operation, 1)

    done = await operations.get(runner.tenant, identifier)
    assert taken_back == {"pending"}
    assert (first, again) == (1, None)
    assert (done.status, done.done) == (BulkStatus.RUNNING, 1)


async def test_tenants_take_turns(
    runner: Runner, rule: Rule, theirs: Sample, operations: BulkOperations, work: BulkWork
) -> None:
    ours, others = principal_of(runner.sample), principal_of(theirs)
    for _ in range(3):
        await runner.execute(rule)
    for asking in (ours, ours, others):
        await begun(operations, asking, rule)

    turns = []
    for _ in range(4):
        operation = await following(work)
        turns.append(operation.tenant)
        await work.put_off(operation)

    assert turns == [ours.tenant, others.tenant] * 2


async def test_one_batch_at_a_time_is_done(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork, database_urls: DatabaseUrls
) -> None:
    await runner.execute(rule)
    await begun(operations, principal_of(runner.sample), rule)
    operation = await following(work)
    with psycopg.connect(database_urls.admin) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended('bulk operations', 0))")

        beside = await work.batch(operation, 2)

    assert beside is None
    assert await work.batch(operation, 2) == 1


@pytest.mark.parametrize("taken_away", ["the user", "the permission", "the key"])
async def test_who_may_do_it_no_more_has_nothing_more_done(
    runner: Runner,
    rule: Rule,
    operations: BulkOperations,
    *,
    work: BulkWork,
    database_urls: DatabaseUrls,
    taken_away: str,
) -> None:
    execution = await runner.execute(rule)
    asking = principal_of(runner.sample)
    identifier = await begun(operations, asking, rule)
    statement: Mapping[str, bytes] = {
        "the user": b"UPDATE users SET active = false WHERE tenant = %(tenant)s",
        "the permission": b"DELETE FROM role_permissions WHERE tenant = %(tenant)s",
        "the key": b"UPDATE api_keys SET active = false WHERE tenant = %(tenant)s",
    }
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(statement[taken_away], {"tenant": runner.tenant})

    await BulkRounds(work).turn()

    operation = await operations.get(runner.tenant, identifier)
    assert (operation.status, operation.failure, operation.done) == ("failed", "permission_revoked", 0)
    assert (await runner.document(execution))["status"] == "pending"


async def test_what_is_not_done_within_a_day_ends(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = await begun(operations, principal_of(runner.sample), rule)
    monkeypatch.setattr(bulk_rounds, "LONGEST", timedelta())

    await BulkRounds(work).turn()

    assert (await operations.get(runner.tenant, identifier)).failure == "expired"


async def test_retries_wait_for_room_and_none_is_refused_for_want_of_it(
    runner: Runner, rule: Rule, operations: BulkOperations, database: Database
) -> None:
    for _ in range(3):
        await runner.executions.cancel(runner.tenant, await runner.execute(rule))
    identifier = await begun(operations, principal_of(runner.sample), rule, RETRY, status=("cancelled",))
    work = BulkWork(database, Executions(database, {**DEFAULTS, Limit.MAX_PENDING: 3}))

    with pytest.raises(NoRoom):
        await work.batch(await following(work), 3)
    untouched = await operations.get(runner.tenant, identifier)
    for _ in range(2):
        await work.batch(await following(work), 1)
    with pytest.raises(NoRoom):
        await work.batch(await following(work), 1)

    operation = await operations.get(runner.tenant, identifier)
    assert (untouched.done, untouched.refused) == (0, 0)
    assert (operation.status, operation.done, operation.refused) == (BulkStatus.RUNNING, 2, 0)


async def test_a_round_makes_smaller_batches_where_there_is_no_room_and_ends_what_breaks(
    runner: Runner, rule: Rule, operations: BulkOperations, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = await begun(operations, principal_of(runner.sample), rule)
    work = BulkWork(database, Executions(database))
    asked: list[int] = []

    async def batch(_operation: OpenOperation, most: int) -> int:
        asked.append(most)
        if len(asked) < 3:
            raise NoRoom
        raise RuntimeError("a fault")

    monkeypatch.setattr(work, "batch", batch)
    rounds = BulkRounds(work)

    for _ in range(3):
        await rounds.turn()

    assert asked == [200, 100, 50]
    assert (await operations.get(runner.tenant, identifier)).failure == "internal_error"


async def test_a_round_makes_smaller_batches_where_they_take_long_and_larger_ones_where_they_do_not(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(operations, principal_of(runner.sample), rule)
    asked: list[int] = []

    async def batch(_operation: OpenOperation, most: int) -> int:
        asked.append(most)
        monkeypatch.setattr(bulk_rounds, "LONG", -1.0 if len(asked) < 3 else math.inf)
        return most

    monkeypatch.setattr(work, "batch", batch)
    rounds = BulkRounds(work)

    for _ in range(5):
        await rounds.turn()

    assert asked == [200, 100, 50, 100, 200]


@pytest.fixture
async def both(runner: Runner, rule: Rule, theirs: Sample, operations: BulkOperations) -> Sample:
    """The other tenant, where both have an operation that is not over."""
    for sample in (runner.sample, theirs):
        await begun(operations, principal_of(sample), rule)
    return theirs


async def test_one_that_finds_no_room_makes_no_others_batches_smaller_and_has_none_of_them_wait(
    runner: Runner, both: Sample, work: BulkWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[UUID, list[int]] = {runner.tenant: [], both.tenant: []}

    async def batch(operation: OpenOperation, most: int) -> int:
        asked[operation.tenant].append(most)
        if operation.tenant == runner.tenant:
            raise NoRoom
        await work.put_off(operation)
        return most

    monkeypatch.setattr(work, "batch", batch)
    monkeypatch.setattr(bulk_rounds, "REST", 0)
    rounds = BulkRounds(work)

    rests = [await rounds.turn() for _ in range(24)]

    assert asked == {runner.tenant: [200, 100, 50, 25, 12, 6, 3, 1, 1, 1, 1, 1], both.tenant: [200] * 12}
    assert not any(rests)


async def test_all_are_left_alone_for_a_while_where_none_of_them_finds_room(
    runner: Runner, both: Sample, work: BulkWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def batch(operation: OpenOperation, _most: int) -> int:
        asked.append(operation.tenant)
        raise NoRoom

    monkeypatch.setattr(work, "batch", batch)
    monkeypatch.setattr(bulk_rounds, "REST", 0)
    monkeypatch.setattr(bulk_rounds, "MOST", 1)
    rounds = BulkRounds(work)

    rested = [await rounds.turn() > 0 for _ in range(9)]

    assert rested == [False, False, True] * 3
    assert asked == [runner.tenant, both.tenant] * 3


async def test_one_whose_rows_are_locked_is_passed_over(
    runner: Runner,
    rule: Rule,
    theirs: Sample,
    *,
    operations: BulkOperations,
    work: BulkWork,
    database_urls: DatabaseUrls,
) -> None:
    locked = await runner.execute(rule)
    ours, others = [await begun(operations, principal_of(each), rule) for each in (runner.sample, theirs)]
    rounds = BulkRounds(work)

    with psycopg.connect(database_urls.admin) as other:
        other.execute("SELECT FROM automation_executions WHERE execution_id = %s FOR UPDATE", (locked,))
        for _ in range(2):
            await rounds.turn()
        beside = (await operations.get(theirs.tenant, others)).status
        waiting = (await operations.get(runner.tenant, ours)).status
    await rounds.turn()

    assert (beside, waiting) == ("completed", "pending")
    assert (await operations.get(runner.tenant, ours)).done == 1


async def test_a_round_ends_where_not_even_putting_off_is_possible(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(operations, principal_of(runner.sample), rule)

    async def away(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(work, "batch", away)
    monkeypatch.setattr(work, "put_off", away)

    with pytest.raises(Unavailable):
        await BulkRounds(work).turn()


async def test_a_tenant_has_a_few_operations_open_and_no_more(
    runner: Runner, rule: Rule, operations: BulkOperations
) -> None:
    asking = principal_of(runner.sample)
    for _ in range(MOST_OPEN):
        await begun(operations, asking, rule)

    with pytest.raises(TooManyBulkOperations):
        await begun(operations, asking, rule)


async def test_an_operation_of_another_tenant_is_not_found(
    runner: Runner, rule: Rule, theirs: Sample, operations: BulkOperations
) -> None:
    identifier = await begun(operations, principal_of(theirs), rule)

    with pytest.raises(BulkOperationNotFound):
        await operations.get(runner.tenant, identifier)
    with pytest.raises(BulkOperationNotFound):
        await operations.refusals(runner.tenant, identifier, PageRequest(1, ascending=True))


async def test_refusals_are_paged_both_ways(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork
) -> None:
    executions = [await runner.execute(rule) for _ in range(3)]
    identifier = await begun(operations, principal_of(runner.sample), rule, RETRY)
    await work.batch(await following(work), 10)

    async def page(request: PageRequest) -> Any:
        return await operations.refusals(runner.tenant, identifier, request)

    first = await page(PageRequest(2, ascending=True))
    second = await page(PageRequest(2, ascending=True, cursor=first.next))
    back = await page(PageRequest(2, ascending=True, cursor=second.previous))

    assert [each.execution_id for each in (*first.items, *second.items)] == executions
    assert back.items == first.items
    assert first.items[0] == BulkRefusal(executions[0], "execution_not_retriable", first.items[0].detail)


async def test_what_has_been_over_for_a_week_goes(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork, database_urls: DatabaseUrls
) -> None:
    await runner.execute(rule)
    old, recent = [await begun(operations, principal_of(runner.sample), rule, order) for order in (RETRY, CANCEL)]
    for _ in range(2):
        await work.batch(await following(work), 10)
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(
            "UPDATE automation_bulk_operations SET completed_at = now() - interval '8 days'"
            " WHERE bulk_operation_id = %s",
            (old,),
        )

    removed = await work.prune(10)

    assert removed == 1
    assert (await operations.get(runner.tenant, recent)).status is BulkStatus.COMPLETED
    with pytest.raises(BulkOperationNotFound):
        await operations.get(runner.tenant, old)


async def test_a_stored_filter_is_the_one_that_was_asked_for(
    runner: Runner, rule: Rule, operations: BulkOperations, work: BulkWork
) -> None:
    now = (await operations.get(runner.tenant, await begun(operations, principal_of(runner.sample), rule))).created_at
    await work.batch(await following(work), 10)
    wanted = ExecutionFilter(
        status=("failed", "timeout"),
        automation_rule_id=(rule.rule_id,),
        trigger_type="manual",
        created_from=now - timedelta(days=2),
        created_to=now - timedelta(days=1),
        started_from=now - timedelta(days=2),
        started_to=now,
        completed_from=now - timedelta(days=2),
        completed_to=now,
        duration_min_ms=1.5,
        duration_max_ms=2.5,
        error_contains="502 \\",
        attempt_min=2,
        label=("env:prod",),
    )

    await operations.begin(principal_of(runner.sample), RETRY, wanted, Total(0, exact=True), None)

    operation = await following(work)
    assert operation.wanted == wanted
    assert replace(operation.order) == RETRY
