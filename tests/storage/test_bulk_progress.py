"""Notes of how far a bulk operation came: of it alone, by the clock, and none any more once it is over."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from automation.domain.bulk_operations import BulkAction, BulkOrder
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import Total
from automation.domain.permissions import Role
from automation.domain.principal import Principal
from automation.storage.bulk_operations import BulkOperations
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.roles import Connection
from tests.storage.runner import Runner
from tests.storage.samples import Sample

PASS = "SELECT pass_bulk_operation_v1(%(tenant)s, %(one)s, {})"
RECORD = """
SELECT record_bulk_batch_v1(%(tenant)s, %(one)s, '{}', 2, now(), %(one)s, ARRAY[%(one)s, %(two)s]::uuid[],
    ARRAY['first', 'second'], ARRAY['', ''])
"""
NOTES: dict[str, tuple[str, set[str]]] = {
    "it is put off": (PASS.format("NULL"), {"worked_at"}),
    "it fails": (PASS.format("'expired'"), {"worked_at", "completed_at"}),
    "a batch is done": (RECORD.format("running"), {"worked_at"}),
    "all is done": (RECORD.format("completed"), {"worked_at", "completed_at"}),
}
"""What is noted, and which times are those at which it is."""
TAKEN = "SELECT take_bulk_operation_v1(%s, %s, %s)"


def principal(sample: Sample) -> Principal:
    return Principal(sample.tenant, sample.user, frozenset({Role.OPERATOR}), "ak_00000000")


async def begun(database: Database, sample: Sample) -> UUID:
    """Begin an operation, and return its id."""
    order = BulkOrder(action=BulkAction.CANCEL)
    operations = BulkOperations(database)
    total = Total(5, exact=True)
    return (await operations.begin(principal(sample), order, ExecutionFilter(), total, "")).bulk_operation_id


def rows(urls: DatabaseUrls) -> dict[UUID, DictRow]:
    """Return all operations as they are stored."""
    with psycopg.connect(urls.admin, row_factory=dict_row) as admin:
        found = admin.execute("SELECT * FROM automation_bulk_operations").fetchall()
    return {row["bulk_operation_id"]: row for row in found}


def refusals(urls: DatabaseUrls, operation: UUID) -> list[tuple[object, ...]]:
    """Return what an operation was refused, by its numbers."""
    with psycopg.connect(urls.admin) as admin:
        query = "SELECT number, execution_id FROM automation_bulk_refusals WHERE bulk_operation_id = %s ORDER BY number"
        return admin.execute(query, (operation,)).fetchall()


def note(urls: DatabaseUrls, statement: str, names: dict[str, Any]) -> Any:
    """Note something in a transaction that began before, and return the clock's time in between."""
    with psycopg.connect(urls.admin) as other:
        other.execute("SELECT now()")
        since = other.execute("SELECT clock_timestamp()").fetchone()
        other.execute(statement.encode(), names)
    assert since is not None
    return since[0]


@pytest.mark.parametrize("name", NOTES)
async def test_what_is_noted_is_of_one_operation_and_says_when(runner: Runner, database: Database, name: str) -> None:
    statement, now = NOTES[name]
    one, two = [await begun(database, runner.sample) for _ in range(2)]
    before = rows(runner.urls)

    since = note(runner.urls, statement, {"tenant": runner.tenant, "one": one, "two": two})

    after = rows(runner.urls)
    assert after.pop(one) != before.pop(one)
    assert after == before
    assert {
        key for key, value in rows(runner.urls)[one].items() if key.endswith("_at") and value and value >= since
    } == now


async def test_each_batch_adds_to_what_was_done_before_it(runner: Runner, database: Database) -> None:
    one, two = [await begun(database, runner.sample) for _ in range(2)]
    names = {"tenant": runner.tenant, "one": one, "two": two}

    note(runner.urls, RECORD.format("running"), names)
    started = rows(runner.urls)[one]["started_at"]
    note(runner.urls, RECORD.format("running"), {**names, "one": two, "two": one})
    note(runner.urls, RECORD.format("running"), names)

    row = rows(runner.urls)[one]
    assert (row["status"], row["done"], row["refused"], row["batches"]) == ("running", 4, 4, 2)
    assert (row["started_at"], row["position_id"], row["completed_at"], row["failure"]) == (started, one, None, None)
    assert refusals(runner.urls, one) == [(1, one), (2, two), (3, one), (4, two)]
    assert refusals(runner.urls, two) == [(1, two), (2, one)]


@pytest.mark.parametrize("over", ["completed", "failed"])
async def test_one_that_is_over_is_neither_put_off_nor_taken(runner: Runner, database: Database, over: str) -> None:
    one = await begun(database, runner.sample)
    names = {"tenant": runner.tenant, "one": one, "two": uuid4()}
    note(runner.urls, RECORD.format("completed") if over == "completed" else PASS.format("'expired'"), names)
    before = rows(runner.urls)

    note(runner.urls, PASS.format("'internal_error'"), names)

    assert rows(runner.urls) == before
    with psycopg.connect(runner.urls.admin) as other:
        batches = before[one]["batches"]
        assert other.execute(TAKEN, (runner.tenant, one, batches)).fetchone() == (False,)


async def test_who_takes_one_holds_it_and_waits_for_nobody_for_long(
    runner: Runner, database: Database, api: Connection
) -> None:
    one, two = [await begun(database, runner.sample) for _ in range(2)]
    note(runner.urls, RECORD.format("running"), {"tenant": runner.tenant, "one": one, "two": two})

    taken = [api.execute(TAKEN, (runner.tenant, one, batches)).fetchone() for batches in (0, 2, 1)]

    assert taken == [(False,), (False,), (True,)]
    assert api.execute("SHOW lock_timeout").fetchone() == ("500ms",)
    with psycopg.connect(runner.urls.admin) as other:
        query = "SELECT FROM automation_bulk_operations WHERE bulk_operation_id = %s FOR UPDATE SKIP LOCKED"
        assert [other.execute(query, (each,)).rowcount for each in (one, two)] == [0, 1]
        assert other.execute(TAKEN, (runner.tenant, two, 0)).fetchone() == (False,)


async def test_what_was_over_a_week_ago_goes_whatever_others_were_refused(runner: Runner, database: Database) -> None:
    one, two, three = [await begun(database, runner.sample) for _ in range(3)]
    for operation in (one, two, three):
        names = {"tenant": runner.tenant, "one": operation, "two": operation}
        note(runner.urls, RECORD.format("completed") if operation != one else PASS.format("'expired'"), names)
    week = "UPDATE automation_bulk_operations SET completed_at = now() - interval '7 days' - %s * interval '1 us'"
    with psycopg.connect(runner.urls.admin) as admin:
        for table in ("automation_bulk_refusals", "automation_bulk_operations"):
            admin.execute(f"DELETE FROM {table} WHERE tenant <> %s", (runner.tenant,))
        for operation, more in ((one, 1), (two, 1), (three, 0)):
            admin.execute(f"{week} WHERE bulk_operation_id = %s", (more, operation))
        removed = [admin.execute("SELECT prune_bulk_operations_v1(%s)", (most,)).fetchone() for most in (1, 2, 2)]

    left = rows(runner.urls)

    assert removed == [(1,), (1,), (0,)]
    assert three in left
    assert not {one, two} & left.keys()
    assert len(refusals(runner.urls, three)) == 2
