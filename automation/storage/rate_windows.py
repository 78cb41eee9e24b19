"""Grants processes a part of the requests that a limit lets in a minute, so that all together never exceed it."""

from psycopg.rows import class_row

from automation.domain.allowance import Allowance, Lease
from automation.domain.errors import Unavailable
from automation.storage.pool.database import Database

# A part of a minute's requests.
_LEASE = b"""
SELECT granted, remaining, seconds
FROM lease_requests_v1(
    p_tenant => %(tenant)s, p_subject => %(subject)s, p_quota => %(quota)s::bigint, p_wanted => %(wanted)s::bigint)
"""


class RateWindows:
    """The minutes of all limits on requests, each with what was granted in it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease(self, allowance: Allowance, wanted: int) -> Lease:
        """Return a part of the requests that an allowance's limit lets in: as many as are wanted, fewer, or none.

        Raises:
            Unavailable: where the database cannot be reached. What it may have granted is lost until the minute ends.
        """
        named = {
            "tenant": allowance.tenant,
            "subject": allowance.subject,
            "quota": allowance.quota,
            "wanted": wanted,
        }
        lease = await self._database.fetch_one(_LEASE, named, class_row(Lease), repeatable=False)
        if lease is None:
            raise Unavailable
        return lease
