"""Says whether the database can serve this version of the code."""

import psycopg
from psycopg.rows import scalar_row

from automation.domain.errors import Unavailable
from automation.storage import former, revisions
from automation.storage.pool.database import Database

# What Alembic calls the database's schema.
_REVISION = b"SELECT version_num FROM alembic_version"
# Whether anything can be written.
_PROBE = b"SELECT probe_writes_v1()"

_NOT_CURRENT = "The database's migrations are not current."
_NOT_VISIBLE = "The database's migrations are not current, or the service's role has lost its privileges."


class Readiness:
    """Compares the database's schema with the one that this code needs, and writes where writes have failed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._needed = revisions.head()
        self._withdrawn = False

    def withdraw(self) -> None:
        """Be ready no more: the process is about to stop."""
        self._withdrawn = True

    async def check(self) -> None:
        """Return if the database works, its migrations are current, and the process isn't about to stop.

        Writes are tried only after one has failed, until one succeeds: the check itself costs the database nothing.

        Raises:
            Unavailable: saying which of the three is not so.
        """
        if self._withdrawn:
            raise Unavailable("The process is about to stop.")
        try:
            revision = await self._revision()
        except Unavailable as error:
            raise Unavailable(_NOT_VISIBLE) if _is_forbidden(error) else error from error.__cause__
        if revision != self._needed:
            raise Unavailable(_NOT_CURRENT)
        if self._database.refuses_writes:
            await self._database.fetch_row(_PROBE, repeatable=False)
            self._database.refuses_writes = False

    async def expect_upgradable(self) -> None:
        """Return if the database's migrations are current, or can be made so.

        Raises:
            FormerDatabase: where no upgrade leads to today's.
            Unavailable: where the database cannot be reached.
        """
        try:
            former.refuse(await self._revision())
        except Unavailable as error:
            if not _is_forbidden(error):
                raise

    async def _revision(self) -> str | None:
        try:
            return await self._database.fetch_one(_REVISION, {}, scalar_row)
        except psycopg.errors.UndefinedTable:
            return None


def _is_forbidden(error: Unavailable) -> bool:
    return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)
