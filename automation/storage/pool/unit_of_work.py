"""A unit of work: all that one request changes in one transaction, whichever statements it is made of.

Who opens one says what it begins with and what it is committed with. In between, every statement of the same task joins
it by itself (``Database`` sees to that): queries and whoever calls them know nothing of it. It begins with the first
change, so that nothing is held while a request is being thought about; what is read after that is read in it, too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

import psycopg

from automation.storage.pool.connections import Connection, Parameters, Statement
from automation.storage.pool.trail import TRAIL
from automation.storage.pool.transaction import SAVEPOINT, Transaction

_BEGIN: Statement = (b"BEGIN", {})
_COMMIT: Statement = (b"COMMIT", {})
_AS_TENANT = b"SELECT set_config('app.tenant', %(tenant)s, true)"

UNIT: ContextVar["UnitOfWork | None"] = ContextVar("unit of work", default=None)
"""The unit of work of a task, which its statements join while it has not ended."""


def recorded(query: bytes, parameters: Parameters) -> tuple[bytes, Parameters]:
    """Return a change as the task's trail has it done: with its lines, or with those of the unit that it joins."""
    trail, unit = TRAIL.get(), UNIT.get()
    if trail is None or not isinstance(parameters, Mapping):
        return query, parameters
    if unit is None or unit.ended:
        return trail.along(query, parameters)
    trail.notice(parameters)
    return query, parameters


@dataclass(frozen=True, slots=True)
class Opening:
    """What a unit of work begins with: a statement that returns one row, and what is made of that.

    ``accept`` raises where the unit must not go on.
    """

    query: bytes
    parameters: Mapping[str, object]
    accept: Callable[[Mapping[str, Any]], None]


class UnitOfWork:
    """Made by ``Database.unit_of_work``.

    Args:
        tenant: Whose data it is about; no other tenant's can join.
        opening: What it begins with.
        acquire: Gives the connection that it runs on.
        release: Takes that back.
    """

    def __init__(
        self,
        tenant: UUID,
        opening: Opening,
        acquire: Callable[[], Awaitable[Connection]],
        release: Callable[[Connection], Awaitable[None]],
    ) -> None:
        self._tenant = tenant
        self._opening = opening
        self._acquire = acquire
        self._release = release
        self._beginning = asyncio.Lock()
        self.connection: Connection | None = None
        self.ended = False

    def joined_by_statement(self, *, change: bool) -> bool:
        """Return whether a statement belongs to it: every change, and after the first one what is read, too."""
        return not self.ended and (change or self.connection is not None)

    async def connected(self) -> Connection:
        """Return the connection that it runs on; it begins with this where nobody joined before."""
        async with self._beginning:
            if self.connection is None:
                self.connection = await self._acquire()
                await self._begin(self.connection)
        return self.connection

    @asynccontextmanager
    async def part(self, tenant: UUID) -> AsyncIterator[Transaction]:
        """Join with what would have been a transaction of its own: on any exception it is taken back by itself."""
        if tenant != self._tenant:
            raise ValueError("a unit of work is about one tenant")
        first = self.connection is None
        transaction = Transaction(await self.connected())
        async with transaction.part(begun=first):
            yield transaction

    @asynccontextmanager
    async def parts(self) -> AsyncIterator[None]:
        """Join with several changes that are taken back together on any exception, and with them their lines."""
        connection = await self.connected()
        await connection.run(b"SAVEPOINT parts")
        try:
            yield
        except BaseException:
            if (trail := TRAIL.get()) is not None:
                trail.forget()
            with suppress(psycopg.Error):
                await connection.run(b"ROLLBACK TO SAVEPOINT parts")
            raise

    async def commit(self, query: bytes, parameters: Mapping[str, object]) -> None:
        """Run its last statement and commit, with the lines of the task's trail, in one round trip."""
        nothing_done = self.connection is None
        connection = await self.connected()
        trail = TRAIL.get()
        lines = () if trail is None or nothing_done else (trail.lines(),)
        try:
            await connection.run_together(*lines, (query, parameters), _COMMIT)
        except psycopg.OperationalError as error:
            connection.note_open_change(error)
            raise
        self.ended = True

    @asynccontextmanager
    async def joined(self, fail: Callable[[psycopg.Error], NoReturn]) -> AsyncIterator["UnitOfWork"]:
        """Have the statements of the task join it for the length of the block; what is not committed is undone.

        Args:
            fail: Raises what an error of the database means to callers.
        """
        token = UNIT.set(self)
        try:
            yield self
        except psycopg.Error as error:
            fail(error)
        finally:
            UNIT.reset(token)
            await self._end()

    async def _end(self) -> None:
        if self.connection is not None:
            if not self.ended:
                await Transaction(self.connection).roll_back()
            await self._release(self.connection)
        self.ended, self.connection = True, None

    async def _begin(self, connection: Connection) -> None:
        opening: Statement = (self._opening.query, self._opening.parameters)
        *_, opened, _ = await connection.run_together(
            _BEGIN, (_AS_TENANT, {"tenant": str(self._tenant)}), opening, (SAVEPOINT, {})
        )
        self._opening.accept(opened[0])
