"""The connection of the database's owner: for migrations and administration, never for requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from automation.domain.errors import Unavailable
from automation.storage import session

_CONNECT_TIMEOUT = 5


def engine(url: str, application_name: str) -> Engine:
    """Return an engine that opens a connection of its own for each use.

    Args:
        url: Anything that libpq takes; SQLAlchemy does not read it.
        application_name: What the connection calls itself in ``pg_stat_activity``.

    Connecting raises UnusableEncoding where the database has another encoding than UTF8.
    """
    defaults: dict[str, Any] = {"connect_timeout": _CONNECT_TIMEOUT, "application_name": application_name}

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        connection = psycopg.connect(**{**defaults, **_read(url)}, autocommit=True)
        refusal = session.refusal(connection.info.parameter_status("server_encoding"))
        if refusal is not None:
            connection.close()
            raise refusal
        connection.execute(session.statements().encode())
        connection.set_autocommit(False)
        return connection

    return create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)


def _read(url: str) -> dict[str, Any]:
    try:
        return {**conninfo_to_dict(url)}
    except psycopg.ProgrammingError:
        # libpq quotes the part that it could not read, and that may be the password.
        raise psycopg.OperationalError("the URL is not one that PostgreSQL understands") from None


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a database that cannot be reached into :class:`Unavailable`, with what libpq says of it in one line."""
    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"The database cannot be used: {first_line(error.orig)}") from error


def first_line(error: BaseException | None) -> str:
    """Return what PostgreSQL says went wrong, without its details."""
    return str(error).strip().partition("\n")[0]


def complaint(url: str) -> str | None:
    """Return what libpq says in one line when it can't connect, None when it can."""
    try:
        with reachable(), engine(url, "automation start").connect():
            return None
    except Unavailable as error:
        return error.detail
