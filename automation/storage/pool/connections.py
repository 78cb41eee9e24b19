"""One connection to PostgreSQL: every statement has a deadline, and a closed connection is noticed before its use."""

import asyncio
import os
import select
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, TypeVar, overload
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import BaseRowFactory, DictRow, TupleRow, dict_row, tuple_row

from automation.storage.pool.causes import OUTCOME_OPEN, Causes, StatementGivenUp, cause_of_refusal
from automation.storage.pool.outage import Outage

R = TypeVar("R")

Parameters = Sequence[object] | Mapping[str, object]
"""A statement's values, by position or by name."""
Statement = tuple[bytes, Mapping[str, object]]
"""SQL with ``%(name)s`` for each parameter, and their values."""

_GRACE = 0.25
"""Tuned: how much longer the client waits than the server is told to: one that lives gives up first, and says so."""
_YOUNG = 1.0
"""Tuned: seconds in which a connection is not replaced because it may not write: a new one may hardly be different."""


class Connection(AsyncConnection[TupleRow]):
    """A connection of the pool: statements have a deadline, results are binary.

    ``query_timeout`` is in seconds: PostgreSQL is told when the connection is set up, and a quarter of a second later a
    server that has not answered is given up. Then ``given_up`` is set, and the connection is closed; ``silent``, too,
    where the server said nothing at all. ``outdated`` is one that may not write: whether it may was settled when it was
    opened, for this server, and another one may be the one to write to by now. ``tenant`` is whoever holds it.
    """

    query_timeout: float
    given_up = False
    silent = False
    outdated = False
    tenant: UUID | None = None
    _opened_at: float
    _incoming: "select.poll"
    _watchdog: asyncio.TimerHandle

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, outage: Outage, causes: Causes, query_timeout: float, **kwargs: Any
    ) -> Self:
        """Connect, and record in ``outage`` whether that worked."""
        try:
            connection = await super().connect(conninfo, **kwargs)
        except psycopg.Error as error:
            cause = cause_of_refusal(error)
            outage.begin(" ".join(str(error).split()), cause)
            if cause is not None:
                causes.log(cause, error)
            raise
        outage.end()
        connection.query_timeout = query_timeout
        connection._opened_at = time.monotonic()  # noqa: SLF001 - its own class
        connection._incoming = select.poll()  # noqa: SLF001 - the same
        connection._incoming.register(connection.pgconn.socket, select.POLLIN)  # noqa: SLF001 - the same
        return connection

    def note_open_change(self, error: psycopg.Error) -> None:
        """Note with an error that nobody knows whether a change was made; a server that goes on says that it wasn't."""
        if self.closed or self.given_up:
            error.add_note(OUTCOME_OPEN)

    def left_by_server(self) -> bool:
        """Return whether an idle connection has something to read: unasked, the server only sends its shutdown.

        One that merely reports a changed setting is replaced too, which costs a connection and loses nothing.
        """
        return self.closed or bool(self._incoming.poll(0))

    @asynccontextmanager
    async def hurried(self, seconds: float) -> AsyncIterator[None]:
        """Give what is executed less time than usual.

        It is one transaction, so that the limit is the statement's behind a pooler too.
        """
        usual, self.query_timeout = self.query_timeout, seconds
        try:
            await self.run(f"BEGIN; SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}".encode())
            try:
                yield
            except BaseException:
                # Where even that fails, the connection is closed or the pool rolls back.
                with suppress(psycopg.Error):
                    await self.run(b"ROLLBACK")
                raise
            await self.run(b"COMMIT")
        finally:
            self.query_timeout = usual

    @overload
    async def run(
        self, query: bytes, parameters: Parameters | None = None, *, prepare: bool = False
    ) -> AsyncCursor[TupleRow]: ...

    @overload
    async def run(
        self, query: bytes, parameters: Parameters | None = None, *, rows: BaseRowFactory[R], prepare: bool = False
    ) -> AsyncCursor[R]: ...

    async def run(
        self,
        query: bytes,
        parameters: Parameters | None = None,
        *,
        rows: BaseRowFactory[Any] = tuple_row,
        prepare: bool = False,
    ) -> AsyncCursor[Any]:
        """Execute one statement.

        Args:
            query: SQL with ``%(name)s`` or ``%s`` for each parameter; without any it may be several statements.
            parameters: Their values, or None.
            rows: What the cursor makes of each row.
            prepare: Whether the statement is prepared, the first time that this connection sees it.

        Raises:
            StatementGivenUp: The server did not answer in time.
            psycopg.Error: whatever else went wrong; the connection is closed where it cannot be used any more.
        """
        # psycopg's own cancellation waits for the server, so a frozen one would hang it: the socket is cut instead.
        self._watchdog = asyncio.get_running_loop().call_later(self.query_timeout + _GRACE, self._lose_patience)
        try:
            cursor = self.cursor(binary=parameters is not None, row_factory=rows)
            return await cursor.execute(query, parameters, prepare=prepare)
        except psycopg.errors.ReadOnlySqlTransaction:
            self.outdated = time.monotonic() - self._opened_at > _YOUNG
            raise
        except psycopg.OperationalError as error:
            if self.given_up:
                raise StatementGivenUp("given up") from error
            raise
        finally:
            self._watchdog.cancel()

    def _lose_patience(self) -> None:
        if self._incoming.poll(0):
            # It was this process that was held, or there is much to read: that gets a moment more.
            self._watchdog = asyncio.get_running_loop().call_later(_GRACE, self._give_up)
        else:
            self.silent = True
            self._give_up()

    async def read(
        self,
        tenant: UUID,
        queries: Sequence[tuple[bytes, Parameters]],
        *,
        rows: BaseRowFactory[R],
        prepare: bool,
        patience: float | None,
    ) -> list[list[R]]:
        """Execute queries in one round trip and one snapshot, with row-level security set to one tenant.

        Args:
            tenant: The tenant.
            queries: SQL with ``%(name)s`` for each parameter, and the values.
            rows: What becomes of each row.
            prepare: As in ``run``.
            patience: Seconds that each may take, where that is less than any may.

        Raises:
            psycopg.Error: as ``run`` does; the transaction is ended.
        """
        self._watchdog = asyncio.get_running_loop().call_later(self.query_timeout + _GRACE, self._lose_patience)
        try:
            async with self.pipeline():
                await self.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                await self.execute(f"SELECT set_config('app.tenant', '{tenant}', true)".encode())
                if patience is not None:
                    await self.execute(f"SET LOCAL statement_timeout = {int(patience * 1000)}".encode())
                cursors = [self.cursor(binary=True, row_factory=rows) for _ in queries]
                for cursor, (query, parameters) in zip(cursors, queries, strict=True):
                    await cursor.execute(query, parameters, prepare=prepare)
                await self.execute(b"COMMIT")
            return [await cursor.fetchall() for cursor in cursors]
        except psycopg.Error as error:
            # Where even that fails, the connection is closed or the pool rolls back.
            with suppress(psycopg.Error):
                await self.execute(b"ROLLBACK")
            if self.given_up:
                raise StatementGivenUp("given up") from error
            raise
        finally:
            self._watchdog.cancel()

    async def run_together(self, *statements: Statement) -> list[list[DictRow]]:
        """Execute several statements in one round trip, and return the rows of each.

        Raises:
            psycopg.Error: of the first one that fails; those after it are not executed.
        """
        self._watchdog = asyncio.get_running_loop().call_later(self.query_timeout + _GRACE, self._lose_patience)
        try:
            async with self.pipeline():
                cursors = [self.cursor(binary=True, row_factory=dict_row) for _ in statements]
                for cursor, (query, parameters) in zip(cursors, statements, strict=True):
                    await cursor.execute(query, parameters)
            return [[] if cursor.description is None else await cursor.fetchall() for cursor in cursors]
        except psycopg.OperationalError as error:
            if self.given_up:
                raise StatementGivenUp("given up") from error
            raise
        finally:
            self._watchdog.cancel()

    def _give_up(self) -> None:
        self.given_up = True
        with socket.socket(fileno=os.dup(self.pgconn.socket)) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
