"""Recognises a pooler between here and PostgreSQL, such as PgBouncer, and what of a session does not survive it.

A pooler makes up the process id by which a client may cancel its statements; PostgreSQL's own is that of the session.
One that pools transactions gives each of them another session. It may know prepared statements all the same: then it
gives them names of its own.
"""

import asyncio
from contextlib import AsyncExitStack

import psycopg
from psycopg.rows import TupleRow

from automation.domain.errors import Unavailable
from automation.storage.pool.causes import AWAY
from automation.storage.pool.connections import Connection

_Connection = psycopg.AsyncConnection[TupleRow]

SESSION = "SELECT pg_backend_pid()"
"""The process id of the session, as PostgreSQL has it."""

# Whether a name that the driver gives, to this statement and any other, is known to PostgreSQL.
_NAMED = rb"SELECT count(*) FROM pg_prepared_statements WHERE name LIKE '\_pg3\_%%' AND from_sql = %(from_sql)s"
_PATIENCE = 2.0
"""Tuned: seconds for what the driver asks."""
_OTHERS = 3
"""Tuned: connections that are asked beside one."""


class PoolerBetween(Exception):
    """What needs a session of its own reaches PostgreSQL through a pooler; the message says so, in one line."""


async def knows_prepared_statements(connection: Connection) -> bool:
    """Return whether the pooler that a connection leads to keeps a client's prepared statements apart."""
    await connection.run(b"BEGIN")
    try:
        cursor = await connection.run(_NAMED, {"from_sql": False}, prepare=True)
        row = await cursor.fetchone()
        if row is not None and row[0] == 0:
            return True
        await connection.run(b"DEALLOCATE ALL")  # another client gets this session next
    except psycopg.errors.DuplicatePreparedStatement:
        return False
    finally:
        await connection.run(b"ROLLBACK")
    return False


async def require_session(url: str) -> None:
    """Return where connections have a session of their own: straight to PostgreSQL, or as good as that.

    Raises:
        PoolerBetween: where another transaction may have another session.
        Unavailable: where there is no connection to be had.
    """
    try:
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(await _connected(url))
            session = await _session(connection)
            if session != connection.info.backend_pid and not await _keeps(connection, session, url, stack):
                raise PoolerBetween(
                    "it leads through a pooler of transactions, such as PgBouncer, behind which nothing can be "
                    "listened for or locked: let it lead to PostgreSQL itself"
                )
    except psycopg.Error as error:
        raise Unavailable(AWAY.sentence) from error


async def _keeps(connection: _Connection, session: int, url: str, stack: AsyncExitStack) -> bool:
    """Return whether a connection keeps its session while others, more and more, are in the middle of transactions."""
    for _ in range(_OTHERS):
        other = await stack.enter_async_context(await _connected(url))
        try:
            async with asyncio.timeout(_PATIENCE):  # who waits for longer waits for one of the others
                await other.execute(b"BEGIN")
                if await _session(other) == session or await _session(connection) != session:
                    return False
        except TimeoutError:
            return False
    return True


async def _connected(url: str) -> _Connection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None)


async def _session(connection: _Connection) -> int:
    row = await (await connection.execute(SESSION.encode())).fetchone()
    return 0 if row is None else int(row[0])
