"""A transaction of one tenant: as whom it runs, what of it stays, and which lines of the audit log go along."""

from contextlib import AbstractAsyncContextManager

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import scalar_row

from automation.storage.pool.causes import OUTCOME_OPEN
from automation.storage.pool.connections import Connection
from automation.storage.pool.trail import TRAIL, trailing
from automation.storage.pool.transaction import Transaction
from tests.databases import DatabaseUrls
from tests.storage.pool.one_connection import WRITE, deed_of, lines, written
from tests.storage.samples import Sample


async def test_it_runs_as_its_tenant_and_what_it_changed_stays(ours: Sample, connection: Connection) -> None:
    transaction = Transaction(connection)

    async with transaction.of(ours.tenant):
        inside = await transaction.fetch_one(b"SELECT current_setting('app.tenant')", {}, scalar_row)
        seen = await transaction.fetch_all(b"SELECT execution_id FROM automation_executions", (), scalar_row)
        await transaction.execute(WRITE, {"name": "one"})

    assert (inside, seen) == (str(ours.tenant), [ours.execution.execution_id])
    assert connection.info.transaction_status is TransactionStatus.IDLE
    assert await written(connection, "one") == ["one"]


async def test_what_fails_is_taken_back_and_told(ours: Sample, connection: Connection) -> None:
    async def fail() -> None:
        async with Transaction(connection).of(ours.tenant):
            await Transaction(connection).execute(WRITE, {"name": "one"})
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert connection.info.transaction_status is TransactionStatus.IDLE
    assert await written(connection, "one") == []


@pytest.mark.parametrize("recorded", [False, True])
async def test_where_the_commit_is_not_answered_it_is_open_what_was_changed(
    ours: Sample, connection: Connection, *, recorded: bool
) -> None:
    with trailing(deed_of(ours) if recorded else None):
        around: AbstractAsyncContextManager[None] = Transaction(connection).of(ours.tenant)
        await around.__aenter__()
        await connection.close()
        with pytest.raises(psycopg.OperationalError) as error:
            await around.__aexit__(None, None, None)

    assert error.value.__notes__ == [OUTCOME_OPEN]


async def test_its_lines_are_of_what_it_changed_and_of_nothing_that_was_taken_back(
    ours: Sample, connection: Connection, database_urls: DatabaseUrls
) -> None:
    transaction = Transaction(connection)

    async def change(rule: str, *, fails: bool) -> None:
        async with transaction.of(ours.tenant):
            await transaction.execute(b"SELECT %(rule)s", {"rule": rule})
            if fails:
                raise KeyError

    with trailing(deed_of(ours)):
        with pytest.raises(KeyError):
            await change("a", fails=True)
        await change("b", fails=False)
        await change("c", fails=False)

    assert lines(ours, database_urls) == ["b", "c"]
    assert TRAIL.get() is None


async def test_what_names_nothing_is_of_what_the_request_names(
    ours: Sample, connection: Connection, database_urls: DatabaseUrls
) -> None:
    with trailing(deed_of(ours)):
        async with Transaction(connection).of(ours.tenant):
            await connection.run(b"SELECT 1")

    assert lines(ours, database_urls) == ["what the request names"]


@pytest.mark.parametrize("begun", [False, True])
async def test_a_part_that_fails_is_taken_back_to_its_own_savepoint(connection: Connection, *, begun: bool) -> None:
    transaction = Transaction(connection)

    async def write(name: str) -> None:
        await transaction.execute(WRITE, {"name": name})

    async def fail() -> None:
        async with transaction.part(begun=begun):
            await write("inside")
            raise KeyError

    await connection.run(b"BEGIN; SAVEPOINT part")
    await write("before")
    with pytest.raises(KeyError):
        await fail()
    await write("after")
    async with transaction.part(begun=False):
        await write("elsewhere")
    await connection.run(b"COMMIT")

    stayed = await written(connection, "before", "inside", "after", "elsewhere")
    assert stayed == ["before"] * (not begun) + ["after", "elsewhere"]


async def test_where_taking_back_fails_what_failed_is_told(connection: Connection) -> None:
    transaction = Transaction(connection)

    async def fail() -> None:
        async with transaction.part(begun=True):
            await connection.close()
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    await transaction.roll_back()

    assert connection.closed
