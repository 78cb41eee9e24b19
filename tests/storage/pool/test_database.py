"""The executor and its pool: transactions of one tenant, deadlines, and a pool that is used up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import psycopg
import pytest

from automation.domain.errors import ExecutionNotFound, Unavailable
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample

INSERT = b"""
INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status) VALUES (%s, %s, %s, 'pending')
"""
COUNT = b"SELECT count(*) FROM automation_executions"

Small = Callable[..., Awaitable[Database]]


@pytest.fixture
async def small() -> AsyncIterator[Small]:
    """Open pools of one connection, and close them whatever came of the test: an open one lets no event loop end."""
    opened = list[Database]()

    async def open_one(url: str, *, pool_timeout: float = 0.5, query_timeout: float = 0.5) -> Database:
        database = Database(
            url,
            pool_min=1,
            pool_max=1,
            pool_timeout=pool_timeout,
            query_timeout=query_timeout,
            application_name="tests of the pool",
        )
        opened.append(database)
        await database.open()
        return database

    yield open_one
    for database in opened:
        await database.close()


def stored(urls: DatabaseUrls, execution_id: object) -> bool:
    with psycopg.connect(urls.admin) as admin:
        query = "SELECT FROM automation_executions WHERE execution_id = %s"
        return admin.execute(query, (execution_id,)).fetchone() is not None


async def test_a_transaction_sees_its_tenant_alone(ours: Sample, theirs: Sample, database: Database) -> None:
    async with database.transaction(ours.tenant) as transaction:
        row = await (await transaction.execute(COUNT)).fetchone()

    assert row == (1,)


async def test_a_transaction_that_ends_is_committed(ours: Sample, database_urls: DatabaseUrls, small: Small) -> None:
    database, execution_id = await small(database_urls.worker), uuid4()

    async with database.transaction(ours.tenant) as transaction:
        await transaction.execute(INSERT, (ours.tenant, execution_id, ours.rule.rule_id))
    await database.close()

    assert stored(database_urls, execution_id)


async def test_a_transaction_that_fails_is_rolled_back_and_its_connection_used_again(
    ours: Sample, database_urls: DatabaseUrls, small: Small
) -> None:
    database, execution_id = await small(database_urls.worker), uuid4()

    async def change_ones_mind() -> None:
        async with database.transaction(ours.tenant) as transaction:
            await transaction.execute(INSERT, (ours.tenant, execution_id, ours.rule.rule_id))
            raise ExecutionNotFound

    async def insert_twice() -> None:
        async with database.transaction(ours.tenant) as transaction:
            for _ in range(2):
                await transaction.execute(INSERT, (ours.tenant, execution_id, ours.rule.rule_id))

    with pytest.raises(ExecutionNotFound):
        await change_ones_mind()
    with pytest.raises(psycopg.errors.UniqueViolation):
        await insert_twice()
    row = await database.fetch_row(COUNT)
    await database.close()

    assert not stored(database_urls, execution_id)
    assert row == (0,)


async def test_the_tenant_is_forgotten_with_the_transaction(
    ours: Sample, database_urls: DatabaseUrls, small: Small
) -> None:
    database = await small(database_urls.api)

    async with database.transaction(ours.tenant):
        pass
    row = await database.fetch_row(COUNT)
    await database.close()

    assert row == (0,)


async def test_a_slow_statement_is_unavailable_and_its_connection_used_again(
    database_urls: DatabaseUrls, small: Small
) -> None:
    database = await small(database_urls.api)
    before = await database.fetch_row(b"SELECT pg_backend_pid()")
    started = time.monotonic()

    with pytest.raises(Unavailable, match="did not answer in time"):
        await database.fetch_row(b"SELECT pg_sleep(10)")

    assert time.monotonic() - started < 1
    assert await database.fetch_row(b"SELECT pg_backend_pid()") == before


async def test_a_process_that_stops_in_a_transaction_does_not_hold_its_locks_for_long(database: Database) -> None:
    row = await database.fetch_row(b"SELECT current_setting('idle_in_transaction_session_timeout')")

    assert row == ("5s",)


async def test_a_used_up_pool_is_unavailable(ours: Sample, database_urls: DatabaseUrls, small: Small) -> None:
    database = await small(database_urls.api)
    await database.fetch_row(b"SELECT 1")  # the connection is there

    async with database.transaction(ours.tenant):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="free in time"):
            await database.fetch_row(b"SELECT 1")
        waited = time.monotonic() - started

    assert 0.4 < waited < 1
    assert await database.fetch_row(b"SELECT 1") == (1,)


async def test_whoever_is_cancelled_as_a_connection_comes_free_is_cancelled(
    ours: Sample, database_urls: DatabaseUrls, small: Small
) -> None:
    database = await small(database_urls.api, pool_timeout=5)
    async with database.transaction(ours.tenant):
        reading = asyncio.create_task(database.fetch_row(b"SELECT 1"))
        await asyncio.sleep(0.1)

    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await database.fetch_row(b"SELECT 1") == (1,)


async def test_a_cancelled_read_gives_its_connection_back(database_urls: DatabaseUrls, small: Small) -> None:
    database = await small(database_urls.api, query_timeout=2)
    await database.fetch_row(b"SELECT 1")
    reading = asyncio.create_task(database.fetch_row(b"SELECT pg_sleep(10)"))
    await asyncio.sleep(0.1)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert await database.fetch_row(b"SELECT 1") == (1,)


async def test_a_closed_pool_is_unavailable(database_urls: DatabaseUrls, small: Small) -> None:
    database = await small(database_urls.api)
    await database.close()

    with pytest.raises(Unavailable):
        await database.fetch_row(b"SELECT 1")


async def test_a_mistake_in_a_statement_is_not_an_outage(database: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        await database.fetch_row(b"SELECT FROM nothing")


async def test_statements_are_prepared_at_their_first_use(ours: Sample, database_urls: DatabaseUrls) -> None:
    database = Database(
        database_urls.api,
        pool_min=1,
        pool_max=1,
        pool_timeout=2,
        query_timeout=2,
        application_name="prepared",
    )
    await database.open()

    await Executions(database).read(ours.tenant, ours.execution.execution_id)
    count = b"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"
    prepared = await database.fetch_row(count, ("%get_execution%",))
    await database.close()

    assert prepared == (1,)


async def test_without_prepared_statements_it_works_as_well(ours: Sample, database_urls: DatabaseUrls) -> None:
    database = Database(
        database_urls.api,
        pool_min=1,
        pool_max=1,
        pool_timeout=1,
        query_timeout=1,
        application_name="unprepared",
        prepare=False,
    )
    await database.open()

    await database.fetch_row(b"SELECT %s::int", (1,))
    prepared = await database.fetch_row(b"SELECT count(*) FROM pg_prepared_statements")
    await database.close()

    assert prepared == (0,)


def test_a_pool_is_made_outside_of_any_loop_and_opened_without_a_server() -> None:
    database = Database(
        "postgresql://nobody@127.0.0.1:1/nothing",
        pool_min=1,
        pool_max=1,
        pool_timeout=0.1,
        query_timeout=1,
        application_name="early",
    )

    async def use() -> None:
        await database.open()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await database.fetch_row(b"SELECT 1")
        await database.close()

    asyncio.run(use())
