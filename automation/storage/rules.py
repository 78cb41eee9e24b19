"""Reads automation rules."""

from datetime import UTC
from uuid import UUID

from automation.domain.errors import RuleNotFound
from automation.domain.rules import Rule, RuleStatus, TriggerType
from automation.storage.database import Database

_GET = b"""
SELECT rule_id, tenant, name, description, status, trigger_type, created_at, updated_at FROM get_rule_v1(%s, %s)
"""


class Rules:
    """The rules of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, tenant: UUID, rule_id: UUID) -> Rule:
        """Return one rule, its times in UTC.

        Raises:
            RuleNotFound: where this tenant has none of that id.
            Unavailable: where the database cannot be reached.
        """
        row = await self._database.fetch_row(_GET, (tenant, rule_id))
        if row is None:
            raise RuleNotFound
        return Rule(
            rule_id=row[0],
            tenant=row[1],
            name=row[2],
            description=row[3],
            status=RuleStatus(row[4]),
            trigger_type=TriggerType(row[5]),
            created_at=row[6].astimezone(UTC),
            updated_at=row[7].astimezone(UTC),
        )
