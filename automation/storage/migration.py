"""Brings the database's schema to the version that this code needs, and back, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from automation.storage import former
from automation.storage.accounts import owner

# Any number that nothing else in the database locks on: the first eight bytes of "automation" in ASCII.
_LOCK = 0x6175746F6D617469

# Once there are tables, whoever owns them migrates; before, whoever owns the database, and so the schema public.
_OWNER = """
SELECT session_user::text, pg_has_role(session_user, coalesce(
    (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.alembic_version')),
    (SELECT datdba FROM pg_database WHERE datname = current_database())), 'USAGE')
"""


class MigrationFailed(Exception):
    """The schema was left as it was; the message says why, in one line."""


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


def current(url: str) -> str | None:
    """Return the revision that the database is at, None where it was never migrated.

    Raises:
        MigrationFailed: where the role is not the owner.
        Unavailable: where the database cannot be reached.
    """
    with _connected(url) as connection:
        _require_owner(connection)
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the revision that this code needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None, "there are migrations"  # noqa: S101 -- narrows the type
    return revision


@contextmanager
def _locked(url: str) -> Iterator[Config]:
    with _connected(url) as connection:
        connection.execute(select(func.pg_advisory_lock(_LOCK)))
        _require_owner(connection)
        former.refuse(MigrationContext.configure(connection).get_current_revision())
        connection.commit()
        try:
            yield _config(connection)
            connection.commit()
        except CommandError as error:
            raise MigrationFailed(str(error)) from error
        except DBAPIError as error:
            raise MigrationFailed(owner.first_line(error.orig)) from error


def _require_owner(connection: Connection) -> None:
    """Refuse a role whose migrations would fail half-way, or find nothing to do and be taken for the owner's."""
    role, fit = connection.exec_driver_sql(_OWNER).one()
    if not fit:
        raise MigrationFailed(
            f'the database role "{role}" must own the database and its tables: use the login that does'
        )


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    # Closing the connection gives the lock back. no_parameters: the scripts' % signs are meant as they are.
    with owner.reachable(), owner.engine(url, "automation db").connect() as connection:
        yield connection.execution_options(no_parameters=True)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
