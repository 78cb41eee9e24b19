"""A transaction of one tenant: what runs between BEGIN and COMMIT, with row-level security set."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncCursor
from psycopg.rows import BaseRowFactory, tuple_row

from automation.storage.pool.connections import Connection, Parameters, Statement
from automation.storage.pool.trail import TRAIL

R = TypeVar("R")

SAVEPOINT = b"SAVEPOINT part"
_COMMIT: Statement = (b"COMMIT", {})
_BACK_TO_SAVEPOINT = b"ROLLBACK TO SAVEPOINT part"


class Transaction:
    """A transaction that has begun; made by ``Database.transaction`` and by a unit of work."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(
        self, query: bytes, parameters: Parameters = (), rows: BaseRowFactory[Any] = tuple_row
    ) -> AsyncCursor[Any]:
        """Execute a statement with ``%(name)s`` or ``%s`` for each parameter, and return its cursor.

        Raises:
            psycopg.Error: which ``Database.transaction`` turns into ``Unavailable`` where it is an outage.
        """
        if (trail := TRAIL.get()) is not None:
            trail.notice(parameters)
        return await self._connection.run(query, parameters, rows=rows)

    async def fetch_one(self, query: bytes, parameters: Mapping[str, object], rows: BaseRowFactory[R]) -> R | None:
        """Execute a statement, and return its first row, as ``rows`` makes it. Raises as ``execute`` does."""
        return await (await self.execute(query, parameters, rows)).fetchone()

    async def fetch_all(self, query: bytes, parameters: Parameters, rows: BaseRowFactory[R]) -> list[R]:
        """Execute a statement, and return its rows, as ``rows`` makes them. Raises as ``execute`` does."""
        return await (await self.execute(query, parameters, rows)).fetchall()

    async def roll_back(self) -> None:
        """Take everything back; where even that fails, the connection is closed or the pool rolls back."""
        with suppress(psycopg.Error):
            await self._connection.run(b"ROLLBACK")

    @asynccontextmanager
    async def of(self, tenant: UUID) -> AsyncIterator[None]:
        """Begin as one tenant, and end with a commit, or on any exception a rollback; the trail's lines go along."""
        trail = TRAIL.get()
        # One message for both statements: a UUID needs no escaping.
        await self._connection.run(f"BEGIN; SELECT set_config('app.tenant', '{tenant}', true)".encode())
        try:
            yield
        except BaseException:
            if trail is not None:
                trail.forget()
            await self.roll_back()
            raise
        try:
            if trail is None:
                await self._connection.run(b"COMMIT")
            else:
                await self._connection.run_together(trail.lines(), _COMMIT)
        except psycopg.OperationalError as error:
            self._connection.note_open_change(error)
            raise

    @asynccontextmanager
    async def part(self, *, begun: bool) -> AsyncIterator[None]:
        """Run a part that is taken back by itself on any exception; what was done before stays.

        Args:
            begun: Whether its savepoint is set already.
        """
        if not begun:
            await self._connection.run(SAVEPOINT)
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error):
                await self._connection.run(_BACK_TO_SAVEPOINT)
            raise
