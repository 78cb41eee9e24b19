"""One connection to PostgreSQL: every statement has a deadline, and a closed connection is noticed before its use."""

import asyncio
import os
import select
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar, overload
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import BaseRowFactory, TupleRow, tuple_row

R = TypeVar("R")

Parameters = Sequence[object] | Mapping[str, object]
"""A statement's values, by position or by name."""

# How much longer the client waits than the server is told to: a server that lives gives up first, and says so.
_GRACE = 0.25


class Outage:
    """An outage of PostgreSQL, shared by all callers so that each need not wait to notice it."""

    def __init__(self) -> None:
        self._since: float | None = None

    def begin(self) -> None:
        """Record that it could not be connected to, unless that is known."""
        if self._since is None:
            self._since = time.monotonic()

    def end(self) -> None:
        """Record that it could be connected to."""
        self._since = None

    def lasts(self, at_least: float = 0.0) -> bool:
        """Return whether it is going on, for at least so many seconds."""
        return self._since is not None and time.monotonic() - self._since >= at_least


class Connection(AsyncConnection[TupleRow]):
    """A connection of the pool: statements have a deadline, results are binary.

    ``query_timeout`` is in seconds: PostgreSQL is told when the connection is set up, and a quarter of a second later a
    server that has not answered is given up. Then ``frozen`` is set, and the connection is closed.
    """

    query_timeout: float
    frozen = False

    @classmethod
    async def connect(cls, conninfo: str = "", *, outage: Outage, query_timeout: float, **kwargs: Any) -> Self:  # type: ignore[override]
        """Connect, and record in ``outage`` whether that worked."""
        try:
            connection = await super().connect(conninfo, **kwargs)
        except psycopg.Error:
            outage.begin()
            raise
        outage.end()
        connection.query_timeout = query_timeout
        return connection

    def left_by_server(self) -> bool:
        """Return whether an idle connection has something to read: unasked, the server only sends its shutdown.

        One that merely reports a changed setting is replaced too, which costs a connection and loses nothing.
        """
        if self.closed:
            return True
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))

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
            psycopg.Error: whatever went wrong; the connection is closed where it cannot be used any more.
        """
        # psycopg's own cancellation waits for the server, so a frozen one would hang it: the socket is cut instead.
        watchdog = asyncio.get_running_loop().call_later(self.query_timeout + _GRACE, self._give_up)
        try:
            cursor = self.cursor(binary=parameters is not None, row_factory=rows)
            return await cursor.execute(query, parameters, prepare=prepare)
        finally:
            watchdog.cancel()

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
        watchdog = asyncio.get_running_loop().call_later(self.query_timeout + _GRACE, self._give_up)
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
        except psycopg.Error:
            # Where even that fails, the connection is closed or the pool rolls back.
            with suppress(psycopg.Error):
                await self.execute(b"ROLLBACK")
            raise
        finally:
            watchdog.cancel()

    def _give_up(self) -> None:
        self.frozen = True
        with socket.socket(fileno=os.dup(self.pgconn.socket)) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
