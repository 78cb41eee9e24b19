"""Brings the database's schema to the version that this code needs, and back, one process at a time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from automation.storage import former, revisions
from automation.storage.accounts import engine, owner
from automation.storage.pool.pooler import SESSION, PoolerBetween, require_session
from automation.storage.revisions import MigrationFailed

# Any number that nothing else in the database locks on: the first eight bytes of "automation" in ASCII.
_LOCK = 0x6175746F6D617469


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to a revision, in one transaction. Where another process is migrating, wait until it is done.

    Args:
        url: The owner's, straight to PostgreSQL: a session's lock does not survive a transaction pooler.
        revision: Alembic's name of it, or ``head``.

    Raises:
        FormerDatabase: where no upgrade leads from the database's revision to today's.
        MigrationFailed: where PostgreSQL refuses, or there is no such revision.
        Unavailable: where the database cannot be reached.
    """
    with _locked(url) as config:
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate down to a revision, in one transaction; ``base`` is the empty database. Raises as ``upgrade`` does."""
    with _locked(url) as config:
        command.downgrade(config, revision)


@contextmanager
def _locked(url: str) -> Iterator[Config]:
    with _connected(url) as connection:
        _require_session(connection, url)
        connection.execute(select(func.pg_advisory_lock(_LOCK)))
        revisions.require_owner(connection.exec_driver_sql(revisions.OWNER).one())
        former.refuse(MigrationContext.configure(connection).get_current_revision())
        connection.commit()
        try:
            yield _config(connection)
        except CommandError as error:
            raise MigrationFailed(str(error)) from error
        except DBAPIError as error:
            raise MigrationFailed(owner.first_line(error.orig)) from error


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    # Closing the connection gives the lock back. no_parameters: the scripts' % signs are meant as they are.
    with engine.reachable(), engine.create(url, "automation db").connect() as connection:
        yield connection.execution_options(no_parameters=True)


def _require_session(connection: Connection, url: str) -> None:
    session = connection.exec_driver_sql(SESSION).scalar_one()
    driver: Any = connection.connection.driver_connection
    if session != driver.info.backend_pid:
        try:
            asyncio.run(require_session(url))
        except PoolerBetween as error:
            raise MigrationFailed(f"the URL of the owner can't be used: {error}") from error


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
