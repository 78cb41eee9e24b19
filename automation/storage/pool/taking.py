"""Takes a connection out of a pool for whoever waits for one, and stays cancelled where that was cancelled."""

import asyncio

from psycopg_pool import AsyncConnectionPool

from automation.storage.pool.connections import Connection


async def taken(pool: AsyncConnectionPool[Connection], seconds: float) -> Connection:
    """Return a connection, which is to be put back.

    A cancellation that comes together with the connection is forgotten by ``asyncio.wait_for`` of Python 3.11, on which
    the pool waits: a loop that was to end would go on.

    Args:
        pool: Where it is from.
        seconds: How long to wait for it at the most.

    Raises:
        PoolTimeout: None was free in time.
        CancelledError: Whoever waits was cancelled meanwhile; what cleans up after that may wait here all the same.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    connection = await pool.getconn(timeout=seconds)
    if task is not None and task.cancelling() > before:
        await pool.putconn(connection)
        raise asyncio.CancelledError
    return connection
