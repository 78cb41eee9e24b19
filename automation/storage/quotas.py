"""Refusals of what would exceed a tenant's limit, by the limit's name as the database's functions say it."""

import math
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from psycopg.rows import scalar_row

from automation.domain.errors import QuotaExceeded, TooManyExecutions
from automation.domain.limits import Limit, Limits
from automation.storage.pool.transaction import Transaction

# One change of a tenant's rules comes after the other.
_HOLD_RULES = b"""
SELECT pg_advisory_xact_lock(hashtextextended(concat('rules of ', %(tenant)s::uuid), 0))
"""
# A limit that is exceeded by what was written.
_EXCEEDED = b"""
SELECT asked.name
FROM (VALUES
    ('max_rules', %(rules)s::bigint, %(max_rules)s::bigint),
    ('max_rule_versions', 1, %(max_rule_versions)s::bigint),
    ('max_stored_bytes', 1, %(max_stored_bytes)s::bigint)) asked(name, more, most)
WHERE asked.more > 0 AND over_limit_v1(
    p_tenant => %(tenant)s, p_name => asked.name, p_day => 'epoch', p_more => 0, p_most => asked.most) IS NOT NULL
LIMIT 1
"""

_CREATED_UNDER = (Limit.MAX_PENDING, Limit.EXECUTIONS_PER_DAY, Limit.MAX_STORED_BYTES)
_KEPT = {str(limit): limit for limit in (Limit.MAX_RULES, Limit.MAX_RULE_VERSIONS, Limit.MAX_STORED_BYTES)}


def created_under(limits: Limits) -> dict[str, int | None]:
    """Return the limits that executions are created under, by the names that statements have for them."""
    return {str(limit): limits.get(limit) for limit in _CREATED_UNDER}


def require_none_reached(outcome: str | None) -> None:
    """Return unless an outcome is the name of a limit that is reached.

    Raises:
        TooManyExecutions: It is that of a day's executions.
        QuotaExceeded: It is one of what is kept.
    """
    if outcome == str(Limit.EXECUTIONS_PER_DAY):
        raise TooManyExecutions(headers={"Retry-After": str(_seconds_of_today())})
    if outcome in _KEPT:
        raise QuotaExceeded(f"The tenant keeps as much as its limit {outcome} allows.", limit=outcome)


class RuleQuotas:
    """What rules and their versions are kept under, exactly: they are written rarely, so one waits for the other.

    Args:
        limits: What tenants may use that have no limits of their own.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = {name: limits.get(limit) for name, limit in _KEPT.items()}

    async def hold(self, transaction: Transaction, tenant: UUID) -> None:
        """Have nobody else write rules of a tenant before the transaction ends; it locks nothing else before this."""
        await transaction.execute(_HOLD_RULES, {"tenant": tenant})

    async def require_none_exceeded(self, transaction: Transaction, tenant: UUID, *, rules: int) -> None:
        """Return unless what was written is more than a tenant may keep.

        Args:
            transaction: The one that holds the tenant's rules.
            tenant: Whose they are.
            rules: How many of them are new.

        Raises:
            QuotaExceeded: It is.
        """
        asked = {"tenant": tenant, "rules": rules, **self._limits}
        require_none_reached(await transaction.fetch_one(_EXCEEDED, asked, scalar_row))


def _seconds_of_today() -> int:
    """Return how many seconds are left of the day of UTC, at least one."""
    now = datetime.now(UTC)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    return math.ceil((tomorrow - now).total_seconds())
