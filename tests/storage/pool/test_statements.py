"""Statements that are given to a pool: when one is tried again, in what time and as whose."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row, tuple_row

from automation.domain.errors import Unavailable
from automation.storage.pool import database as executor
from automation.storage.pool.causes import TookTooLong
from automation.storage.pool.connection_pool import ConnectionPool
from automation.storage.pool.connections import Connection
from automation.storage.pool.database import Database
from automation.storage.pool.trail import trailing
from automation.storage.pool.unit_of_work import Opening
from tests.databases import DatabaseUrls
from tests.storage.pool.one_connection import READ, WRITE, deed_of, lines
from tests.storage.samples import Sample

QUERY_TIMEOUT = 4.0
OURS, THEIRS = UUID(int=1), UUID(int=2)
SELECT = b"SELECT 7 AS n, 'broken' AS word"
NAMED = {"name": "one"}
OPENING = Opening(b"SELECT 1 AS one", {}, lambda _row: None)


def made(url: str) -> Database:
    return Database(
        url, pool_min=1, pool_max=1, pool_timeout=2, query_timeout=QUERY_TIMEOUT, application_name="statements"
    )


@pytest.fixture
async def pool(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """A pool of one connection: what is not put back is missed."""
    opened = made(database_urls.api)
    await opened.open()
    yield opened
    await opened.close()


class Breaking:
    """The way to the server, which breaks the first so many times that something is asked of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times, self.asked, self.closes, self.takes = 1, 0, True, 0.0
        self.gives_up = False
        self.now = [100.0]
        monkeypatch.setattr(executor, "time", SimpleNamespace(monotonic=lambda: self.now[-1]))
        run, read = Connection.run, Connection.read

        async def broken_run(connection: Connection, query: bytes, *arguments: Any, **named: Any) -> Any:
            if b"broken" in query:
                await self._break(connection)
            return await run(connection, query, *arguments, **named)

        async def broken_read(connection: Connection, *arguments: Any, **named: Any) -> Any:
            await self._break(connection)
            return await read(connection, *arguments, **named)

        monkeypatch.setattr(Connection, "run", broken_run)
        monkeypatch.setattr(Connection, "read", broken_read)

    async def _break(self, connection: Connection) -> None:
        self.asked += 1
        if self.asked <= self.times:
            self.now.append(self.now[-1] + self.takes)
            connection.given_up = self.gives_up
            if self.closes:
                await connection.close()
            raise psycopg.OperationalError("broken")


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Breaking:
    return Breaking(monkeypatch)


ASKED: dict[str, Callable[[Database], Awaitable[object]]] = {
    "a row": lambda pool: pool.fetch_row(SELECT),
    "a named row": lambda pool: pool.fetch_one(SELECT, {}, dict_row),
    "rows": lambda pool: pool.fetch_rows(SELECT),
    "what is read together": lambda pool: pool.read(OURS, (SELECT, {}), rows=tuple_row),
}


@pytest.mark.parametrize("name", ASKED)
async def test_what_is_only_read_is_tried_once_more_on_another_connection(
    pool: Database, breaking: Breaking, name: str
) -> None:
    breaking.times = 0
    expected = await ASKED[name](pool)
    breaking.times = breaking.asked + 1

    assert await ASKED[name](pool) == expected
    assert breaking.asked == 3
    breaking.times = breaking.asked + 2
    with pytest.raises(Unavailable) as error:
        await ASKED[name](pool)
    assert not error.value.outcome_open
    assert await ASKED[name](pool) == expected


@pytest.mark.parametrize("takes", [0.5, 0.75])
async def test_it_is_not_tried_again_where_the_first_try_took_half_a_second(
    pool: Database, breaking: Breaking, takes: float
) -> None:
    breaking.takes = takes

    with suppress(Unavailable):
        await pool.fetch_row(SELECT)

    assert breaking.asked == (2 if takes <= 0.5 else 1)


@pytest.mark.parametrize(("closes", "gives_up"), [(False, False), (True, True), (False, True)])
async def test_nor_where_the_server_was_given_up_or_the_connection_still_stands(
    pool: Database, breaking: Breaking, *, closes: bool, gives_up: bool
) -> None:
    breaking.closes, breaking.gives_up = closes, gives_up

    with pytest.raises(Unavailable):
        await pool.fetch_row(SELECT)

    assert breaking.asked == 1


@pytest.mark.parametrize("closes", [False, True])
async def test_a_change_is_tried_once_and_where_the_way_broke_nobody_knows_whether_it_was_made(
    pool: Database, breaking: Breaking, *, closes: bool
) -> None:
    breaking.closes = closes

    with pytest.raises(Unavailable) as error:
        await pool.fetch_rows(SELECT, repeatable=False)

    assert (breaking.asked, error.value.outcome_open) == (1, closes)
    assert await pool.fetch_rows(SELECT, repeatable=False) == [(7, "broken")]


async def test_a_transaction_gives_its_connection_back_and_says_what_its_failure_means(
    pool: Database, breaking: Breaking
) -> None:
    async def use() -> object:
        async with pool.transaction(OURS) as transaction:
            return await transaction.fetch_all(SELECT, {}, tuple_row)

    with pytest.raises(Unavailable):
        await use()

    assert await use() == [(7, "broken")]
    assert breaking.asked == 2


@pytest.mark.parametrize(
    ("waited", "hurried"),
    [(0.5, []), (0.75, []), (1.0, [QUERY_TIMEOUT - 0.25]), (QUERY_TIMEOUT + 0.75, [0.0]), (60.0, [0.0])],
)
async def test_who_has_waited_gets_what_is_left_of_the_time(
    pool: Database, monkeypatch: pytest.MonkeyPatch, waited: float, hurried: list[float]
) -> None:
    seconds, taken = list[float](), list[float | None]()
    take, hurry = ConnectionPool.take, Connection.hurried

    def noted(connection: Connection, left: float) -> AbstractAsyncContextManager[None]:
        seconds.append(left)
        return hurry(connection, 2.0)

    async def take_noted(of: ConnectionPool, tenant: UUID | None, left: float | None = None) -> Connection:
        taken.append(left)
        return await take(of, tenant)

    monkeypatch.setattr(Connection, "hurried", noted)
    monkeypatch.setattr(ConnectionPool, "take", take_noted)
    monkeypatch.setattr(executor, "time", SimpleNamespace(monotonic=lambda: 100.0))

    rows = [await pool.fetch_rows(SELECT, since=100.0 - waited), await pool.fetch_rows(SELECT)]

    assert rows == [[(7, "broken")]] * 2
    assert seconds == hurried
    assert taken == [max(0.0, QUERY_TIMEOUT + 0.75 - waited), None]


async def test_a_statement_takes_a_connection_of_whose_it_is(pool: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = list[UUID | None]()
    take = ConnectionPool.take

    async def noted(of: ConnectionPool, tenant: UUID | None, seconds: float | None = None) -> Connection:
        taken.append(tenant)
        return await take(of, tenant, seconds)

    monkeypatch.setattr(ConnectionPool, "take", noted)

    await pool.fetch_rows(b"SELECT %(tenant)s", {"tenant": OURS})
    await pool.fetch_rows(b"SELECT %(tenant)s", {"tenant": OURS}, tenant=THEIRS)
    await pool.fetch_rows(SELECT, tenant=THEIRS)
    await pool.fetch_rows(SELECT)
    await pool.read(OURS, (SELECT, {}), rows=tuple_row)
    async with pool.transaction(THEIRS):
        pass

    assert taken == [OURS, THEIRS, THEIRS, None, OURS, THEIRS]


@pytest.mark.parametrize("repeatable", [False, True])
async def test_a_change_alone_takes_its_line_along(
    ours: Sample, pool: Database, database_urls: DatabaseUrls, *, repeatable: bool
) -> None:
    query = b"SELECT set_config('app.tenant', %(tenant)s::text, true) AS document"
    named = {"tenant": ours.tenant, "rule": OURS}

    with trailing(deed_of(ours)):
        await pool.fetch_rows(query, named, repeatable=repeatable)

    assert lines(ours, database_urls) == ([] if repeatable else [str(OURS)])


@pytest.mark.parametrize("patience", [None, 0.01])
async def test_what_takes_longer_than_its_caller_has_patience_is_told_apart(
    pool: Database, patience: float | None
) -> None:
    slow = b"SELECT pg_sleep(2)" if patience else b"SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(60)"

    with pytest.raises(TookTooLong if patience else Unavailable):
        await pool.read(OURS, (slow, {}), rows=tuple_row, patience=patience)

    assert await pool.read(OURS, (SELECT, {}), (SELECT, {}), rows=tuple_row) == [[(7, "broken")]] * 2


async def test_the_statements_of_a_unit_are_of_one_transaction_until_it_has_ended(ours: Sample, pool: Database) -> None:
    async def seen() -> list[object]:
        one = await pool.fetch_row(READ.replace(b"%(name)s", b"'one'"))
        [together] = await pool.read(ours.tenant, (READ, NAMED), rows=tuple_row)
        return [one and one[0], together[0][0]]

    before = await seen()
    async with pool.unit_of_work(ours.tenant, OPENING) as unit:
        await pool.fetch_rows(WRITE, NAMED, repeatable=False)
        within = await seen()
        async with pool.transaction(ours.tenant) as transaction:
            part = await transaction.fetch_all(READ, NAMED, tuple_row)
        unit.ended = True

    assert before == [None, None]
    assert within == ["written", "written"]
    assert part == [("written",)]


async def test_after_its_end_a_unit_is_joined_by_nothing(
    ours: Sample, pool: Database, database_urls: DatabaseUrls
) -> None:
    other = made(database_urls.api)
    await other.open()
    async with pool.unit_of_work(ours.tenant, OPENING) as unit:
        await unit.commit(WRITE, NAMED)
        async with other.transaction(ours.tenant) as transaction:
            apart = await transaction.fetch_all(READ, NAMED, tuple_row)
        changed = await other.fetch_rows(READ, NAMED, repeatable=False)
    await other.close()

    assert (apart, changed) == ([(None,)], [(None,)])
    assert await pool.fetch_rows(READ, NAMED) == [("written",)]
