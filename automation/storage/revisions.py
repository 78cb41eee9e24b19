"""Revisions of the schema: the one that this code needs, and the one that a database is at.

Both are found without Alembic and SQLAlchemy, which take longer to load than anything here: what works on a database
that is up to date, as it nearly always is, starts without Alembic.
"""

from pathlib import Path
from typing import Any

from automation.storage.accounts import owner

_VERSIONS = Path(__file__).parent / "migrations" / "versions"

OWNER = """
SELECT session_user::text, pg_has_role(session_user, coalesce(
    (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.alembic_version')),
    (SELECT datdba FROM pg_database WHERE datname = current_database())), 'USAGE')
"""
"""Who is asking, and whether it may migrate. Once there are tables, whoever owns them may; before, whoever owns the
database, and so the schema public."""

# What Alembic calls the database's schema, and before that whether it has ever called it anything.
_TABLE = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
_REVISION = "SELECT version_num FROM public.alembic_version"


class MigrationFailed(Exception):
    """The schema was left as it was; the message says why, in one line."""


def head() -> str:
    """Return the revision that this code needs: that of the last migration, which is called like its file."""
    return max(file.stem for file in _VERSIONS.glob("*.py"))


def current(url: str) -> str | None:
    """Return the revision that the database is at, None where it was never migrated.

    Args:
        url: The owner's; anything that libpq takes.

    Raises:
        MigrationFailed: where the role is not the owner.
        Unavailable: where the database cannot be reached.
    """
    with owner.connected(url, "automation db") as connection:
        require_owner(connection.execute(OWNER).fetchone())
        migrated = connection.execute(_TABLE).fetchone() == (True,)
        revision = connection.execute(_REVISION).fetchone() if migrated else None
    return None if revision is None else str(revision[0])


def require_owner(answer: Any) -> None:
    """Refuse a role whose migrations would fail half-way, or find nothing to do and be taken for the owner's.

    Args:
        answer: The row that ``OWNER`` is answered with.

    Raises:
        MigrationFailed: where it is such a role.
    """
    role, fit = answer
    if not fit:
        raise MigrationFailed(
            f'the database role "{role}" must own the database and its tables: use the login that does'
        )
