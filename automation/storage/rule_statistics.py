"""Reads the statistics of rules, which the workers keep (decision 44)."""

from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from automation.domain.errors import InvalidParameter, RuleNotFound, Violation
from automation.domain.statistics import Ends, Period, Statistics
from automation.storage.pool.database import Database

# How the runs of a rule ended: a row for all of them, and one for each bucket; none for no rule.
_READ = b"""
SELECT starts_at, completed, failed, timeout, cancelled, skipped, p50, p95, as_of
FROM read_rule_statistics_v1(
    p_tenant => %(tenant)s, p_rule => %(rule)s, p_from => %(start)s, p_to => %(end)s, p_bucket => %(bucket)s,
    p_zone => %(zone)s)
"""


class RuleStatistics:
    """The statistics of the rules of all tenants, one tenant at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, tenant: UUID, rule_id: UUID, period: Period) -> Statistics:
        """Return how the runs of a rule ended in a period, in one round trip.

        Raises:
            RuleNotFound: where this tenant has none of that id.
            InvalidParameter: where the database knows no such time zone.
            Unavailable: where no database answers.
        """
        named = {
            "tenant": tenant,
            "rule": rule_id,
            "start": period.start,
            "end": period.end,
            "bucket": period.bucket.value,
            "zone": period.time_zone,
        }
        try:
            rows = await self._database.fetch_rows(_READ, named, rows=dict_row)
        except psycopg.errors.InvalidParameterValue as error:
            violation = Violation("is no time zone that is known here", parameter="time_zone")
            raise InvalidParameter(violations=[violation]) from error
        if not rows:
            raise RuleNotFound
        return Statistics(rows[0]["as_of"], _ends(rows[0]), [_ends(row) for row in rows[1:]])


def _ends(row: DictRow) -> Ends:
    return Ends(**{name: value for name, value in row.items() if name != "as_of"})
