"""A pooler between here and PostgreSQL is recognised, and so is whether it knows prepared statements.

The poolers here are made of a proxy that changes what they change: process ids, and names of statements where they know
those. A real PgBouncer stands in ``tests/outside/test_pgbouncer.py``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from automation.storage.executions import Executions
from automation.storage.pool import pooler
from automation.storage.pool.connections import Connection
from automation.storage.pool.database import Database
from automation.storage.pool.pooler import require_session
from tests.databases import DatabaseUrls
from tests.storage.round_trips import counting_proxy
from tests.storage.samples import Sample

PREPARED = b"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, pool_min=1, pool_max=1, pool_timeout=2, query_timeout=2, application_name="pooled")
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.mark.parametrize(("renames", "prepared"), [(False, 0), (True, 1)])
async def test_statements_are_prepared_where_the_pooler_gives_them_names_of_its_own(
    ours: Sample, database_urls: DatabaseUrls, *, renames: bool, prepared: int
) -> None:
    async with counting_proxy(database_urls.api) as proxy:
        proxy.pools, proxy.renames = True, renames
        async with opened(proxy.url) as database:
            document = await Executions(database).read(ours.tenant, ours.execution.execution_id)
            found = await database.fetch_row(PREPARED, ("%get_execution%",))

    assert document.execution_id == ours.execution.execution_id
    assert found == (prepared,)


async def test_what_was_tried_out_is_left_to_nobody(ours: Sample, database_urls: DatabaseUrls) -> None:
    async with counting_proxy(database_urls.api) as proxy:
        proxy.pools = True
        async with opened(proxy.url) as database:
            left = await database.fetch_row(b"SELECT count(*) FROM pg_prepared_statements")

    assert left == (0,)


async def test_what_was_tried_out_is_taken_back_in_its_transaction_because_the_next_one_may_have_another_session(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, ran = Connection.run, list[bytes]()

    async def noted(self: Connection, query: bytes, *arguments: Any, **named: Any) -> Any:
        ran.append(query)
        return await run(self, query, *arguments, **named)

    monkeypatch.setattr(Connection, "run", noted)
    async with counting_proxy(database_urls.api) as proxy:
        proxy.pools = True
        async with opened(proxy.url) as database:
            await database.fetch_row(b"SELECT 1")

    at = ran.index(b"DEALLOCATE ALL")
    assert ran[at + 1 : at + 2] == [b"ROLLBACK"]


async def test_a_pooler_of_sessions_is_as_good_as_none(database_urls: DatabaseUrls) -> None:
    async with counting_proxy(database_urls.worker) as proxy:
        proxy.pools = True

        await require_session(proxy.url)


async def test_a_session_is_tried_between_transactions_and_with_statements_that_have_no_name(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, told = psycopg.AsyncConnection.connect, list[dict[str, Any]]()

    async def connected(url: str, **options: Any) -> object:
        told.append(options)
        return await connect(url, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connected)
    async with counting_proxy(database_urls.worker) as proxy:
        proxy.pools = True

        await require_session(proxy.url)

    assert told == [{"autocommit": True, "prepare_threshold": None}] * (1 + pooler._OTHERS)
