"""Says whether the database can serve this version of the code."""

import psycopg

from automation.domain.errors import Unavailable
from automation.storage import migration
from automation.storage.pool.database import Database

_REVISION = b"SELECT version_num FROM alembic_version"


class Readiness:
    """Compares the database's schema with the one that this code needs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._needed = migration.head()

    async def check(self) -> None:
        """Return if the database is reachable and its migrations are current.

        Raises:
            Unavailable: saying which of the two is not so.
        """
        try:
            row = await self._database.fetch_row(_REVISION)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            row = None
        if row is None or row[0] != self._needed:
            raise Unavailable("The database's migrations are not current.")
