"""Connections to PostgreSQL, given out by tenants' shares and taken back; none is kept once the server is gone."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from automation.storage.pool.causes import Causes
from automation.storage.pool.connections import Connection
from automation.storage.pool.outage import Outage
from automation.storage.pool.shares import Shares

_CONNECT_TIMEOUT = 2  # the least that psycopg takes
# The pool retries after 1 s, then doubles the delay. Giving up then lets the next request try again at once.
_RECONNECT_TIMEOUT = 1.0
# Seconds to wait for a connection when none could be made for a while.
_PATIENCE_IN_AN_OUTAGE = 0.5
# Executions after which psycopg prepares a statement that doesn't ask for it.
_NEVER_BY_ITSELF = 2**31


class ConnectionPool:
    """The connections of one process to one database.

    Args:
        url: Anything that libpq takes.
        least: Connections that are kept open.
        most: Connections that are open at the most.
        timeout: Seconds to wait for a free connection.
        query_timeout: Seconds that one statement may take.
        application_name: What the connections call themselves in ``pg_stat_activity``.
        prepare: Whether statements may be prepared.
        outage: Told whether the server can be reached.
        causes: Told why it refuses.
        set_up: Prepares a new connection for its use, or raises where it must not be used.
    """

    def __init__(
        self,
        url: str,
        *,
        least: int,
        most: int,
        timeout: float,
        query_timeout: float,
        application_name: str,
        prepare: bool,
        outage: Outage,
        causes: Causes,
        set_up: Callable[[Connection], Awaitable[None]],
    ) -> None:
        self._timeout = timeout
        self._outage = outage
        self._shares = Shares(most)
        self._pool = AsyncConnectionPool(
            url,
            connection_class=Connection,
            kwargs={
                "autocommit": True,
                "connect_timeout": _CONNECT_TIMEOUT,
                "application_name": application_name,
                # Where it is None, nothing is ever prepared, whatever a statement asks for.
                "prepare_threshold": _NEVER_BY_ITSELF if prepare else None,
                "outage": outage,
                "causes": causes,
                "query_timeout": query_timeout,
            },
            min_size=least,
            max_size=most,
            timeout=timeout,
            reconnect_timeout=_RECONNECT_TIMEOUT,
            configure=set_up,
            name=application_name,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting in the background, and return at once, whether or not the database is there."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections; whoever waits for one is told."""
        await self._pool.close()

    async def take(self, tenant: UUID | None, seconds: float | None = None) -> Connection:
        """Return a connection that was not closed by the server, which is to be put back.

        Args:
            tenant: Whose share it is of; None where it is for nobody's sake, or for several tenants'.
            seconds: How long to wait for it at the most, where that is less than usual.

        Raises:
            PoolTimeout: None was free in time, of the pool or of the tenant's share.
            PoolClosed: The pool was closed.
            CancelledError: Whoever waits was cancelled meanwhile; what cleans up after that may wait here all the same.
        """
        # An outage as short as a restart is waited out; in a longer one nobody waits long.
        left = _PATIENCE_IN_AN_OUTAGE if self._outage.lasts(self._timeout) else self._timeout
        deadline = time.monotonic() + (left := left if seconds is None else min(left, seconds))
        await self._shares.enter(tenant, left)
        try:
            while (connection := await self._taken(deadline - time.monotonic())).left_by_server():
                # Closed and returned, it is replaced; so the first request after a restart clears the pool of them.
                await connection.close()
                await self._pool.putconn(connection)
        except BaseException:
            self._shares.leave(tenant)
            raise
        connection.tenant = tenant
        return connection

    async def put(self, connection: Connection) -> None:
        """Take a connection back, and close what is of no more use."""
        tenant = connection.tenant
        try:
            if connection.outdated:
                await connection.close()
            elif connection.silent and self._outage.hears_nothing():
                # The server is stopped or gone, and the idle connections lead to the same one.
                await self._pool.drain()
            elif self._outage.silent_statements and not connection.closed:
                self._outage.hears()
            await self._pool.putconn(connection)
        finally:
            self._shares.leave(tenant)

    async def _taken(self, seconds: float) -> Connection:
        # A cancellation that comes together with the connection is forgotten by asyncio.wait_for of Python 3.11, on
        # which the pool waits: a loop that was to end would go on.
        before = _cancellations()
        connection = await self._pool.getconn(timeout=seconds)
        if _cancellations() > before:
            await self._pool.putconn(connection)
            raise asyncio.CancelledError
        return connection


def _cancellations() -> int:
    """Return how often the running task was asked to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
