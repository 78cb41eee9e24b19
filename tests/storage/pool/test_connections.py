"""One connection: what it is told of a statement, when it gives a server up, and as what it is left afterwards."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import RowMaker, TupleRow, dict_row, tuple_row
from structlog.testing import capture_logs

from automation.storage.pool import connections
from automation.storage.pool.causes import OUTCOME_OPEN, StatementGivenUp
from automation.storage.pool.connections import Connection
from automation.storage.pool.outage import Outage
from tests.databases import DatabaseUrls
from tests.storage.pool.one_connection import QUERY_TIMEOUT, connect

TENANT = UUID(int=5)
GRACE = 0.25
SETTINGS = b"""
SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only'),
       current_setting('app.tenant', true), current_setting('statement_timeout')
"""


async def read(connection: Connection, query: bytes) -> object:
    return await connection.read(TENANT, [(query, {})], rows=tuple_row, prepare=False, patience=None)


async def run_together(connection: Connection, query: bytes) -> object:
    return await connection.run_together((query, {}))


Way = Callable[[Connection, bytes], Awaitable[object]]
WAYS: list[Way] = [Connection.run, read, run_together]
of_every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


class Watch:
    """The calls that a connection asks of the loop for later, which come when the test says so."""

    def __init__(self, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[float, str]] = []
        self.handles: list[asyncio.TimerHandle] = []
        self.at_once = False
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._later = self._loop.call_later
        monkeypatch.setattr(self._loop, "call_later", self._call_later)

    def _call_later(self, delay: float, callback: Callable[..., object], *arguments: Any, **named: Any) -> Any:
        is_ours = getattr(callback, "__self__", None) is self._connection
        handle = self._later(0 if is_ours and self.at_once else delay, callback, *arguments, **named)
        if is_ours:
            self.asked.append((delay, callback.__name__))
            self.handles.append(handle)
        return handle


async def test_a_new_one_has_said_nothing_yet_and_ends_an_outage(database_urls: DatabaseUrls) -> None:
    outage = Outage()
    outage.begin("refused")
    before = time.monotonic()

    async with await connect(database_urls.api, outage) as made:
        assert not outage.lasts()
        assert (made.given_up, made.silent, made.outdated, made.tenant) == (False, False, False, None)
        assert made.query_timeout == QUERY_TIMEOUT
        assert before <= vars(made)["_opened_at"] <= time.monotonic()
        assert not made.left_by_server()


async def test_where_nobody_is_an_outage_begins_without_a_cause() -> None:
    outage = Outage()

    with capture_logs() as logged, pytest.raises(psycopg.OperationalError):
        await connect("postgresql://nobody@127.0.0.1:1/nothing", outage)

    assert (outage.lasts(), outage.cause, logged) == (True, None, [])


async def test_where_a_connection_is_refused_its_cause_is_told(database_urls: DatabaseUrls) -> None:
    outage = Outage()
    nowhere = psycopg.conninfo.make_conninfo(database_urls.api, dbname="no_such_database")

    with capture_logs() as logged, pytest.raises(psycopg.OperationalError):
        await connect(nowhere, outage)

    assert outage.lasts()
    assert outage.cause is not None
    assert [each["remedy"] for each in logged] == [outage.cause.remedy]


@pytest.mark.parametrize(("closed", "given_up"), [(False, False), (False, True), (True, False)])
async def test_whether_a_change_was_made_is_open_where_the_server_cannot_say_so_any_more(
    connection: Connection, *, closed: bool, given_up: bool
) -> None:
    error = psycopg.OperationalError()
    connection.given_up = given_up
    if closed:
        await connection.close()

    connection.note_open_change(error)

    assert getattr(error, "__notes__", []) == [OUTCOME_OPEN] * (closed or given_up)


async def test_whether_the_server_has_left_is_asked_without_waiting(connection: Connection) -> None:
    asked = list[int]()

    def poll(milliseconds: int) -> list[object]:
        asked.append(milliseconds)
        return [] if len(asked) == 1 else [object()]

    connection._incoming = SimpleNamespace(poll=poll)  # type: ignore[assignment]

    assert [connection.left_by_server() for _ in range(2)] == [False, True]
    assert asked == [0, 0]
    await connection.close()
    assert connection.left_by_server()


async def test_one_that_the_server_has_ended_is_left(database_urls: DatabaseUrls, connection: Connection) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))

    assert not connection.closed
    assert connection.left_by_server()


@of_every_way
async def test_a_statement_is_watched_until_it_has_ended(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    watch = Watch(connection, monkeypatch)

    await way(connection, b"SELECT 1")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await way(connection, b"SELECT 1 / 0")

    assert watch.asked == [(QUERY_TIMEOUT + GRACE, "_lose_patience")] * 2
    assert all(handle.cancelled() for handle in watch.handles)


@of_every_way
async def test_a_server_that_says_nothing_in_time_is_given_up(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    watch = Watch(connection, monkeypatch)
    watch.at_once = True

    with pytest.raises(StatementGivenUp):
        await way(connection, b"SELECT pg_sleep(2)")

    assert (connection.given_up, connection.silent, connection.closed) == (True, True, True)


@of_every_way
async def test_where_an_answer_has_begun_to_come_it_has_a_moment_more(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    connection._incoming = SimpleNamespace(poll=lambda _: [object()])  # type: ignore[assignment]
    watch = Watch(connection, monkeypatch)
    watch.at_once = True

    with pytest.raises(StatementGivenUp):
        await way(connection, b"SELECT pg_sleep(2)")

    assert watch.asked[1:] == [(GRACE, "_give_up")]
    assert (connection.given_up, connection.silent) == (True, False)


@of_every_way
async def test_a_server_that_ends_a_statement_itself_is_not_given_up(connection: Connection, way: Way) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        await way(connection, b"SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(2)")

    assert (connection.given_up, connection.closed) == (False, False)


@pytest.mark.parametrize(("age", "outdated"), [(0.5, False), (1.0, False), (1.5, True)])
async def test_one_that_may_not_write_is_of_no_more_use_unless_it_is_new(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, *, age: float, outdated: bool
) -> None:
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: 100.0 + age))
    connection._opened_at = 100.0

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await connection.run(b"BEGIN READ ONLY; CREATE TABLE a_new_one ()")

    assert connection.outdated == outdated


async def test_one_statement_has_values_or_several_have_none(connection: Connection) -> None:
    with_values = await connection.run(b"SELECT %(n)s AS n", {"n": 7}, rows=dict_row)
    several = await connection.run(b"SELECT 1; SELECT 2")

    assert (await with_values.fetchall(), with_values.format) == ([{"n": 7}], Format.BINARY)
    assert (await several.fetchall(), several.format) == ([(1,)], Format.TEXT)


async def test_a_statement_is_prepared_where_that_is_asked(connection: Connection) -> None:
    prepared = b"SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%once%%'"
    await connection.run(b"SELECT 'once', %(n)s::int", {"n": 1})
    before = await (await connection.run(prepared, {})).fetchone()

    await connection.run(b"SELECT 'once', %(n)s::int", {"n": 1}, prepare=True)

    assert (before, await (await connection.run(prepared, {})).fetchone()) == ((0,), (1,))


async def test_statements_together_each_have_their_rows_by_name_and_those_without_any_none(
    connection: Connection,
) -> None:
    formats = list[Format]()
    made = connection.cursor

    def noted(**options: Any) -> Any:
        formats.append(Format.BINARY if options["binary"] else Format.TEXT)
        return made(**options)

    connection.cursor = noted  # type: ignore[method-assign, assignment]

    rows = await connection.run_together((b"BEGIN", {}), (b"SELECT %(n)s::int AS n", {"n": 3}), (b"COMMIT", {}))

    assert rows == [[], [{"n": 3}], []]
    assert formats == [Format.BINARY] * 3


@pytest.mark.parametrize(("patience", "limit"), [(None, "0"), (2.0, "2s")])
async def test_what_is_read_is_one_snapshot_of_one_tenant_with_its_own_limit_of_time(
    connection: Connection, patience: float | None, limit: str
) -> None:
    queries = [(SETTINGS, {}), (b"SELECT %(n)s::int", {"n": 4})]

    rows = await connection.read(TENANT, queries, rows=tuple_row, prepare=False, patience=patience)

    assert rows == [[("repeatable read", "on", str(TENANT), limit)], [(4,)]]
    assert connection.info.transaction_status is TransactionStatus.IDLE


async def test_what_is_read_comes_in_binary_form(connection: Connection) -> None:
    formats = list[Format]()

    def noted(cursor: Any) -> "RowMaker[TupleRow]":
        formats.append(cursor.format)
        return tuple_row(cursor)

    await connection.read(TENANT, [(b"SELECT 1", {})], rows=noted, prepare=False, patience=None)

    assert set(formats) == {Format.BINARY}


async def test_what_cannot_be_read_leaves_no_transaction(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await read(connection, b"SELECT 1 / 0")

    assert connection.info.transaction_status is TransactionStatus.IDLE


async def sent_in_a_hurry(connection: Connection, seconds: float, *, fails: bool) -> list[bytes]:
    """Return what is executed where a block has so much time, and how it ends."""
    sent = list[bytes]()

    async def note(query: bytes) -> None:
        sent.append(query)
        assert connection.query_timeout == seconds

    connection.run = note  # type: ignore[method-assign, assignment]
    with suppress(KeyError):
        async with connection.hurried(seconds):
            sent.append(b"the block")
            if fails:
                raise KeyError
        sent.append(b"after it")
    return sent


@pytest.mark.parametrize(("seconds", "milliseconds"), [(2.0, 2000), (0.25, 250), (0.0, 1)])
@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_hurried_is_a_transaction_with_as_little_time_as_there_is(
    connection: Connection, seconds: float, milliseconds: int, *, fails: bool
) -> None:
    sent = await sent_in_a_hurry(connection, seconds, fails=fails)

    begun = [f"BEGIN; SET LOCAL statement_timeout = {milliseconds}".encode(), b"the block"]
    assert sent == [*begun, *([b"ROLLBACK"] if fails else [b"COMMIT", b"after it"])]
    assert connection.query_timeout == QUERY_TIMEOUT
