"""The service's way to PostgreSQL: a pool, one executor for statements, and one answer to every kind of outage."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, NoReturn, TypeVar, overload
from uuid import UUID

import psycopg
from psycopg.rows import BaseRowFactory, TupleRow, tuple_row
from psycopg_pool import PoolClosed, PoolTimeout

from automation.domain.errors import Unavailable
from automation.storage.pool.causes import AWAY, BUSY, SLOW, Causes, TookTooLong, cause_of
from automation.storage.pool.connection_pool import ConnectionPool
from automation.storage.pool.connections import Connection, Parameters
from automation.storage.pool.new_session import Refusal, set_up
from automation.storage.pool.outage import LOGGER, Outage
from automation.storage.pool.shares import tenant_of
from automation.storage.pool.transaction import Transaction
from automation.storage.pool.unit_of_work import UNIT, Opening, UnitOfWork, recorded

R = TypeVar("R")
T = TypeVar("T")

_log = logging.getLogger(LOGGER)

# Seconds after which a read is not tried a second time, so that both tries together stay within the time promised.
_TIME_TO_TRY_AGAIN = 0.5
# Seconds that are left after a statement that took as long as one may, for another one in its place.
_TIME_FOR_ANOTHER = 0.75


class Database:
    """A pool of connections to one PostgreSQL database. It may be away when the pool opens, and at any time later.

    Every failure to reach it, to get an answer in time, or to have it do its work is :class:`Unavailable`, raised
    within ``pool_timeout + query_timeout`` and three quarters of a second. Where only writes fail, ``refuses_writes``
    is set until somebody has seen one succeed.

    Args:
        url: Anything that libpq takes.
        pool_min: Connections that are kept open.
        pool_max: Connections that are open at the most; a tenant has a share of them (``Shares``).
        pool_timeout: Seconds to wait for a free connection.
        query_timeout: Seconds that one statement may take.
        application_name: What the connections call themselves in ``pg_stat_activity``.
        prepare: Whether statements are prepared, unless a pooler stands between that does not know them.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_min: int,
        pool_max: int,
        pool_timeout: float,
        query_timeout: float,
        application_name: str,
        prepare: bool = True,
    ) -> None:
        self._query_timeout = query_timeout
        self._prepare = prepare
        self._outage = Outage()
        self._causes = Causes()
        self.refuses_writes = False
        self._refusal: Refusal | None = None
        self._pool = ConnectionPool(
            url,
            least=pool_min,
            most=pool_max,
            timeout=pool_timeout,
            query_timeout=query_timeout,
            application_name=application_name,
            prepare=prepare,
            outage=self._outage,
            causes=self._causes,
            set_up=self._set_up,
        )

    async def open(self) -> None:
        """Start connecting in the background, and return at once, whether or not the database is there."""
        await self._pool.open()

    async def require_safe_role(self) -> None:
        """Connect, and return if the database can hold any text and the role is one that row-level security binds.

        Raises:
            UnusableEncoding: for a database of another encoding than UTF8.
            UnsafeRole: for a superuser, a role with BYPASSRLS, an owner, or a member of such a role. Each connection is
                checked as it is opened, so this is raised by any later use too.
            Unavailable: where the database cannot be reached, which leaves the question open.
        """
        await self.fetch_row(b"SELECT 1")

    async def close(self) -> None:
        """Close all connections; whoever waits for one gets :class:`Unavailable`."""
        await self._pool.close()

    async def fetch_row(
        self, query: bytes, parameters: Sequence[object] = (), *, repeatable: bool = True
    ) -> tuple[Any, ...] | None:
        """Execute a statement in a transaction of its own, and return its first row, as ``fetch_rows`` does."""
        return next(iter(await self.fetch_rows(query, parameters, repeatable=repeatable)), None)

    async def fetch_one(
        self, query: bytes, parameters: Mapping[str, object], rows: BaseRowFactory[R], *, repeatable: bool = True
    ) -> R | None:
        """Execute a statement in a transaction of its own, and return its first row, as ``fetch_rows`` does."""
        return next(iter(await self.fetch_rows(query, parameters, rows=rows, repeatable=repeatable)), None)

    @overload
    async def fetch_rows(
        self,
        query: bytes,
        parameters: Parameters = (),
        *,
        repeatable: bool = True,
        since: float | None = None,
        tenant: UUID | None = None,
    ) -> list[TupleRow]: ...

    @overload
    async def fetch_rows(
        self,
        query: bytes,
        parameters: Parameters,
        *,
        rows: BaseRowFactory[R],
        repeatable: bool = True,
        since: float | None = None,
        tenant: UUID | None = None,
    ) -> list[R]: ...

    async def fetch_rows(
        self,
        query: bytes,
        parameters: Parameters = (),
        *,
        rows: BaseRowFactory[Any] = tuple_row,
        repeatable: bool = True,
        since: float | None = None,
        tenant: UUID | None = None,
    ) -> list[Any]:
        """Execute a statement in a transaction of its own, or in the task's unit of work, and return its rows.

        Args:
            query: SQL with ``%(name)s`` or ``%s`` for each parameter.
            parameters: Their values.
            rows: What becomes of each row, as psycopg's row factories say it; else a tuple.
            repeatable: Whether the statement may be executed twice: then it is tried once more on another connection
                where the first one breaks.
            since: When whoever waits began to (``time.monotonic()``): the statement gets what is left of the time.
            tenant: Whose connection it takes, where no parameter named ``tenant`` says so.

        Raises:
            Unavailable: where PostgreSQL cannot be reached, does not answer in time or cannot do its work.
            UnsafeRole: where the role is one that row-level security does not bind.
        """
        query, parameters = (query, parameters) if repeatable else recorded(query, parameters)

        async def fetch(connection: Connection) -> list[Any]:
            if since is not None and (left := self._left(since)) < self._query_timeout:
                async with connection.hurried(left):
                    cursor = await connection.run(query, parameters, rows=rows, prepare=self._prepare)
                    return await cursor.fetchall()
            cursor = await connection.run(query, parameters, rows=rows, prepare=self._prepare)
            return await cursor.fetchall()

        return await self._perform(fetch, tenant or tenant_of(parameters), repeatable=repeatable, since=since)

    async def read(
        self,
        tenant: UUID,
        *queries: tuple[bytes, Parameters],
        rows: BaseRowFactory[R],
        patience: float | None = None,
    ) -> list[list[R]]:
        """Return the rows of queries, read in one round trip and one snapshot, as ``Connection.read`` does.

        Raises:
            TookTooLong: where ``patience`` was not enough.
            Unavailable: where PostgreSQL cannot be reached, or does not answer in time.
            UnsafeRole: where the role is one that row-level security does not bind.
        """
        unit = UNIT.get()

        async def read(connection: Connection) -> list[list[R]]:
            if unit is not None and unit.connection is connection:
                return [await Transaction(connection).fetch_all(*query, rows) for query in queries]
            try:
                return await connection.read(tenant, queries, rows=rows, prepare=self._prepare, patience=patience)
            except psycopg.errors.QueryCanceled as error:
                raise (error if patience is None else TookTooLong()) from error

        return await self._perform(read, tenant, repeatable=True)

    async def _perform(
        self,
        use: Callable[[Connection], Awaitable[T]],
        tenant: UUID | None,
        *,
        repeatable: bool,
        since: float | None = None,
    ) -> T:
        unit = UNIT.get()
        started = time.monotonic()
        try:
            if unit is not None and unit.joined_by_statement(change=not repeatable):
                return await use(await unit.connected())
            for last_try in (not repeatable, True):
                connection = await self._pool.take(tenant, None if since is None else self._left(since))
                try:
                    return await use(connection)
                except psycopg.OperationalError as error:
                    if not repeatable:
                        connection.note_open_change(error)
                    late = time.monotonic() - started > _TIME_TO_TRY_AGAIN
                    if last_try or late or connection.given_up or not connection.closed:
                        raise
                finally:
                    await self._pool.put(connection)
        except psycopg.Error as error:
            self._raise_translated(error)
        raise AssertionError("the last try returned or raised")

    def _left(self, since: float) -> float:
        """Return the seconds that are left for another statement of somebody who waits since then; never negative."""
        return max(0.0, since + self._query_timeout + _TIME_FOR_ANOTHER - time.monotonic())

    @asynccontextmanager
    async def transaction(self, tenant: UUID) -> AsyncIterator[Transaction]:
        """Run what is written together, with row-level security set to one tenant; in the task's unit of work if any.

        Raises:
            Unavailable: as ``fetch_rows`` says; ``outcome_open`` where the commit left that open.
            UnsafeRole: where the role is one that row-level security does not bind.
        """
        unit = UNIT.get()
        try:
            if unit is not None and not unit.ended:
                async with unit.part(tenant) as transaction:
                    yield transaction
                return
            connection = await self._pool.take(tenant)
            try:
                transaction = Transaction(connection)
                async with transaction.of(tenant):
                    yield transaction
            finally:
                await self._pool.put(connection)
        except psycopg.Error as error:
            self._raise_translated(error)

    def unit_of_work(self, tenant: UUID, opening: Opening) -> AbstractAsyncContextManager[UnitOfWork]:
        """Have all statements of the task join one transaction, which the block commits; raises as that does."""
        return UnitOfWork(tenant, opening, partial(self._pool.take, tenant), self._pool.put).joined(
            self._raise_translated
        )

    async def _set_up(self, connection: Connection) -> None:
        self._refusal = await set_up(connection)
        if self._refusal is not None:
            raise self._refusal
        if self._prepare and connection.prepare_threshold is None:
            self._prepare = False
            _log.warning("statements are not prepared: a pooler stands between that does not know them")

    def _raise_translated(self, error: psycopg.Error) -> NoReturn:
        if self._refusal is not None:
            raise self._refusal from error
        if isinstance(error, PoolTimeout | PoolClosed):
            raise Unavailable(((self._outage.cause or AWAY) if self._outage.lasts() else BUSY).sentence) from error
        if (cause := cause_of(error)) is None:
            raise error
        self.refuses_writes |= cause.writes
        raise self._causes.unavailable(AWAY if cause is SLOW and self._outage.lasts() else cause, error) from error
