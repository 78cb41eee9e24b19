"""A transaction of one tenant: what runs between BEGIN and COMMIT, with row-level security set."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncCursor
from psycopg.rows import BaseRowFactory, TupleRow

from automation.storage.pool.connections import Connection, Parameters

R = TypeVar("R")


class Transaction:
    """What runs between BEGIN and COMMIT; made by :meth:`Database.transaction`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, query: bytes, parameters: Parameters = ()) -> AsyncCursor[TupleRow]:
        """Execute a statement with ``%(name)s`` or ``%s`` for each parameter, and return its cursor.

        Raises:
            psycopg.Error: which :meth:`Database.transaction` turns into :class:`Unavailable` where it is an outage.
        """
        return await self._connection.run(query, parameters)

    async def fetch_one(self, query: bytes, parameters: Mapping[str, object], rows: BaseRowFactory[R]) -> R | None:
        """Execute a statement, and return its first row, as ``rows`` makes it. Raises as ``execute`` does."""
        cursor = await self._connection.run(query, parameters, rows=rows)
        return await cursor.fetchone()

    @asynccontextmanager
    async def of(self, tenant: UUID) -> AsyncIterator[None]:
        """Begin as one tenant, and end with a commit or, on any exception, a rollback."""
        # One message for both statements: a UUID needs no escaping.
        await self._connection.run(f"BEGIN; SELECT set_config('app.tenant', '{tenant}', true)".encode())
        try:
            yield
        except BaseException:
            # Where even that fails, the connection is closed or the pool rolls back.
            with suppress(psycopg.Error):
                await self._connection.run(b"ROLLBACK")
            raise
        await self._connection.run(b"COMMIT")
