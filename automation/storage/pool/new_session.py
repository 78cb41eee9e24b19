"""Sets up the session of a new connection, and asks whether the service may use the database and the role at all."""

from automation.storage import session
from automation.storage.pool import privileges
from automation.storage.pool.connections import Connection

Refusal = privileges.UnsafeRole | session.UnusableEncoding

# Seconds between two statements of a transaction: a process that is stopped there must not hold its locks for long.
_IDLE_IN_TRANSACTION_TIMEOUT = 5.0


async def set_up(connection: Connection) -> Refusal | None:
    """Set up a session, and return why it must not be used, None if it may be; it is closed where it must not."""
    settings = {
        "statement_timeout": connection.query_timeout,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_TIMEOUT,
    }
    statements = [f"SET {name} = {int(seconds * 1000)}" for name, seconds in settings.items()]
    await connection.run("; ".join([session.statements(), *statements]).encode())
    encoding = connection.info.parameter_status("server_encoding")
    refusal = session.refusal(encoding) or await privileges.refusal(connection)
    if refusal is not None:
        await connection.close()
    return refusal
