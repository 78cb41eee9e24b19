"""The connection of the database's owner: for migrations and administration, never for requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from automation.domain.errors import Unavailable
from automation.storage import session

_CONNECT_TIMEOUT = 5


def connect(url: str, application_name: str) -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection with the session that statements here rely on.

    Args:
        url: Anything that libpq takes.
        application_name: What the connection calls itself in ``pg_stat_activity``.

    Raises:
        UnusableEncoding: where the database has another encoding than UTF8.
    """
    defaults: dict[str, Any] = {"connect_timeout": _CONNECT_TIMEOUT, "application_name": application_name}
    connection = psycopg.connect(**{**defaults, **_read(url)}, autocommit=True)
    refusal = session.refusal(connection.info.parameter_status("server_encoding"))
    if refusal is not None:
        connection.close()
        raise refusal
    connection.execute(session.statements().encode())
    connection.set_autocommit(False)
    return connection


@contextmanager
def connected(url: str, application_name: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Connect as ``connect`` does, for the length of the block and one transaction.

    Raises:
        Unavailable: where the database cannot be reached.
        UnusableEncoding: where it has another encoding than UTF8.
    """
    try:
        with connect(url, application_name) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise unavailable(error) from error


def unavailable(error: BaseException | None) -> Unavailable:
    """Return the error that says what libpq says of a database that cannot be reached, in one line."""
    return Unavailable(f"The database cannot be used: {first_line(error)}")


def first_line(error: BaseException | None) -> str:
    """Return what PostgreSQL says went wrong, without its details."""
    return str(error).strip().partition("\n")[0]


def complaint(url: str) -> str | None:
    """Return what libpq says in one line when it can't connect, None when it can."""
    try:
        with connected(url, "automation start"):
            return None
    except Unavailable as error:
        return error.detail


def is_location(url: str) -> bool:
    """Return whether libpq can read a URL; whether anything is there is another question."""
    try:
        _read(url)
    except psycopg.OperationalError:
        return False
    return True


def _read(url: str) -> dict[str, Any]:
    try:
        return {**conninfo_to_dict(url)}
    except psycopg.ProgrammingError:
        # libpq quotes the part that it could not read, and that may be the password.
        raise psycopg.OperationalError("the URL is not one that PostgreSQL understands") from None
