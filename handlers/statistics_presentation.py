"""Presents statistics of rules to clients: as the contract's component, with links."""

from typing import Any
from uuid import UUID

import orjson

from automation.contract.compiled.links import Links
from automation.domain.pages import revision_of
from automation.domain.statistics import Ends, Period, Statistics, milliseconds
from automation.domain.time_zones import in_utc


def statistics_revision(rule_id: UUID, period: Period, statistics: Statistics) -> str:
    """Return the revision of what is shown: that of the numbers and of what they are about."""
    return revision_of(rule_id, period, orjson.dumps(statistics))


def statistics_response(rule_id: UUID, period: Period, statistics: Statistics, links: Links) -> dict[str, Any]:
    """Return the contract's ``RuleStatisticsResponse``; times are in UTC."""
    data = {
        "automation_rule_id": rule_id,
        "from": period.start,
        "to": period.end,
        "bucket": period.bucket,
        "time_zone": period.time_zone,
        "as_of": in_utc(statistics.as_of),
        **_ends(statistics.total),
        "buckets": [{"starts_at": in_utc(each.starts_at), **_ends(each)} for each in statistics.buckets],
        "_links": {
            name: link for name, link in (("rule", links.link("getAutomationRule", id=rule_id)),) if link is not None
        },
    }
    return {"data": data}


def _ends(ends: Ends) -> dict[str, Any]:
    return {
        "runs": {
            "completed": ends.completed,
            "failed": ends.failed,
            "timeout": ends.timeout,
            "cancelled": ends.cancelled,
            "skipped": ends.skipped,
        },
        "failure_rate": ends.failure_rate,
        "duration_ms": {"p50": milliseconds(ends.p50), "p95": milliseconds(ends.p95)},
    }
