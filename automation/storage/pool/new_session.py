"""Sets up the session of a new connection, and asks whether the service may use the database and the role at all."""

from automation.storage import session
from automation.storage.pool import pooler, privileges
from automation.storage.pool.connections import Connection

Refusal = privileges.UnsafeRole | session.UnusableEncoding

# Seconds between two statements of a transaction: a process that is stopped there must not hold its locks for long.
_IDLE_IN_TRANSACTION_TIMEOUT = 5.0

BY_INDEX = "SET enable_seqscan = off; SET jit = off"
"""A plan is kept, and a table grows: who has planned while it had a few rows doesn't read it from end to end then.

Up to PostgreSQL 17 a plan that has no choice counts as so dear that it would be compiled.
"""


async def set_up(connection: Connection) -> Refusal | None:
    """Set up a session, and return why it must not be used, None if it may be; it is closed where it must not.

    Where a pooler stands between that does not know prepared statements, the connection prepares none.
    """
    settings = {
        "statement_timeout": connection.query_timeout,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_TIMEOUT,
    }
    statements = [f"SET {name} = {int(seconds * 1000)}" for name, seconds in settings.items()]
    cursor = await connection.run("; ".join([pooler.SESSION, session.statements(), BY_INDEX, *statements]).encode())
    own = await cursor.fetchone()
    encoding = connection.info.parameter_status("server_encoding")
    refusal = session.refusal(encoding) or await privileges.refusal(connection)
    if refusal is not None:
        await connection.close()
    elif own != (connection.info.backend_pid,) and connection.prepare_threshold is not None:
        await _prepare_nothing_unless_it_is_known(connection)
    return refusal


async def _prepare_nothing_unless_it_is_known(connection: Connection) -> None:
    if not await pooler.knows_prepared_statements(connection):
        connection.prepare_threshold = None
