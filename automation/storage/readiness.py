"""Says whether the database can serve this version of the code."""

import psycopg
from psycopg.rows import scalar_row

from automation.domain.errors import Unavailable
from automation.storage import former, revisions
from automation.storage.pool.database import Database

# What Alembic calls the database's schema.
_REVISION = b"SELECT version_num FROM alembic_version"


class Readiness:
    """Compares the database's schema with the one that this code needs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._needed = revisions.head()
        self._withdrawn = False

    def withdraw(self) -> None:
        """Be ready no more: the process is about to stop."""
        self._withdrawn = True

    async def check(self) -> None:
        """Return if the database is reachable, its migrations are current, and the process isn't about to stop.

        Raises:
            Unavailable: saying which of the three is not so.
        """
        if self._withdrawn:
            raise Unavailable("The process is about to stop.")
        if await self._revision() != self._needed:
            raise Unavailable("The database's migrations are not current.")

    async def expect_upgradable(self) -> None:
        """Return if the database's migrations are current, or can be made so.

        Raises:
            FormerDatabase: where no upgrade leads to today's.
            Unavailable: where the database cannot be reached.
        """
        former.refuse(await self._revision())

    async def _revision(self) -> str | None:
        try:
            return await self._database.fetch_one(_REVISION, {}, scalar_row)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            return None
