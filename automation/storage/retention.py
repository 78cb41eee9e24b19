"""Removes what has been kept for long enough, a bounded number at a time, and says whose retention is what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from psycopg.rows import dict_row, scalar_row

from automation.domain.pages import NO_ID
from automation.domain.retention import Kept, Retention
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded

_BEGINNING = datetime.min.replace(tzinfo=UTC)

LIMIT = 200
"""How many executions or lines a batch looks at."""
MOST_ROWS = 2_000
"""How many rows of logs a batch of executions has, but for those of its last one."""

# Tenants, with the retention that each has of its own.
_TENANTS = b"SELECT tenant, own FROM list_retention_v1(p_after => %(after)s, p_limit => %(limit)s)"
# A tenant's executions that ended in one status long enough ago.
_PRUNE_EXECUTIONS = b"""
SELECT removed, at, id
FROM prune_executions_v1(
    p_tenant => %(tenant)s, p_status => %(status)s, p_days => %(days)s, p_after_at => %(at)s, p_after_id => %(id)s,
    p_limit => %(limit)s, p_rows => %(rows)s)
"""
# A tenant's lines of the audit log that are old enough.
_PRUNE_AUDIT_EVENTS = b"""
SELECT removed FROM prune_audit_events_v1(p_tenant => %(tenant)s, p_days => %(days)s, p_limit => %(limit)s)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far one walk through a tenant's executions came, the oldest first."""

    at: datetime = _BEGINNING
    id: UUID = NO_ID


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of a batch: how many were removed, and where to go on; None where there is no more."""

    removed: int
    further: Place | None


@dataclass(frozen=True, slots=True)
class TenantRetention:
    """A tenant, and what it has of its own."""

    tenant: UUID
    own: Retention

    def days(self, defaults: Retention) -> Mapping[Kept, int]:
        """Return for how many days what isn't kept for ever is kept."""
        return {kept: days for kept, days in {**defaults, **self.own}.items() if days is not None}


class RetentionStore:
    """What is kept of all tenants, one tenant at a time; ``Unavailable`` is raised where no database answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tenants(self, after: UUID, limit: int) -> list[TenantRetention]:
        """Return tenants in the order of their ids, after one."""
        rows = await self._database.fetch_rows(_TENANTS, {"after": after, "limit": limit}, rows=dict_row)
        return [TenantRetention(row["tenant"], retention_of(decoded(row["own"]))) for row in rows]

    async def prune(self, tenant: UUID, kept: Kept, days: int, place: Place) -> Batch | None:
        """Remove a batch of what has been kept for more than so many days, the oldest first.

        Args:
            tenant: Whose.
            kept: What.
            days: How many days.
            place: Where to go on.

        Returns:
            What became of it; None where another process is at it.
        """
        named = {"tenant": tenant, "days": days, "limit": LIMIT}
        if kept.status is None:
            removed = await self._database.fetch_one(_PRUNE_AUDIT_EVENTS, named, scalar_row, repeatable=False)
            return None if removed is None else Batch(removed, place if removed == LIMIT else None)
        named |= {"status": kept.status.value, "at": place.at, "id": place.id, "rows": MOST_ROWS}
        row = await self._database.fetch_one(_PRUNE_EXECUTIONS, named, dict_row, repeatable=False)
        if row is None:
            return None
        return Batch(row["removed"], None if row["id"] is None else Place(row["at"], row["id"]))


def retention_of(own: Mapping[str, int | None]) -> Retention:
    """Return the retention that is stored by its names; one that this version doesn't know is left out."""
    return {kept: own[str(kept)] for kept in Kept if str(kept) in own}
