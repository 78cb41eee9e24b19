"""Refusals of what would exceed a tenant's limit, by the limit's name as the database's functions say it."""

from datetime import UTC, datetime, time, timedelta

from automation.domain.errors import QuotaExceeded, TooManyExecutions
from automation.domain.limits import Limit, Limits

_CREATED_UNDER = (Limit.MAX_PENDING, Limit.EXECUTIONS_PER_DAY, Limit.MAX_STORED_BYTES)
_KEPT = frozenset(map(str, (Limit.MAX_RULES, Limit.MAX_RULE_VERSIONS, Limit.MAX_STORED_BYTES)))


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


def _seconds_of_today() -> int:
    """Return how many seconds are left of the day of UTC, at least one."""
    now = datetime.now(UTC)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    return max(1, int((tomorrow - now).total_seconds()) + 1)
