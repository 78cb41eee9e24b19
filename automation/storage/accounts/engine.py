"""Engine of SQLAlchemy on the owner's connection, for what is built as statements: administration and migrations."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from automation.storage.accounts import owner


def create(url: str, application_name: str) -> Engine:
    """Return an engine that opens a connection of its own for each use.

    Args:
        url: Anything that libpq takes; SQLAlchemy does not read it.
        application_name: What the connection calls itself in ``pg_stat_activity``.

    Connecting raises UnusableEncoding where the database has another encoding than UTF8.
    """
    return create_engine(
        "postgresql+psycopg://", creator=lambda: owner.connect(url, application_name), poolclass=NullPool
    )


@contextmanager
def reachable() -> Iterator[None]:
    """Turn a database that cannot be reached into ``Unavailable``, with what libpq says of it in one line."""
    try:
        yield
    except OperationalError as error:
        raise owner.unavailable(error.orig) from error
