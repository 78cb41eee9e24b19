"""Statistics of a rule: how its runs ended in a period, and how long they took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from automation.domain import time_zones
from automation.domain.errors import InvalidParameter, Violation

QUARTER = timedelta(minutes=15)
"""What is counted together; every time zone's hours and days begin with one."""
STEPS = 8
"""In how many steps a duration doubles."""
DEFAULT_LENGTH = timedelta(days=1)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between which a period lies: beyond, quarters and time zones would lead out of the calendar."""


class Bucket(StrEnum):
    """What a period is divided into (contract component ``StatisticsBucket``)."""

    DAY = "day"
    HOUR = "hour"


_MICROSECOND = timedelta(microseconds=1)

LONGEST = {Bucket.DAY: timedelta(days=92), Bucket.HOUR: timedelta(days=31)}


@dataclass(frozen=True, slots=True)
class Period:
    """From when on and until when, in whole quarters of an hour, and what it is divided into."""

    start: datetime
    end: datetime
    bucket: Bucket
    time_zone: str

    @classmethod
    def asked(
        cls, start: datetime | None, end: datetime | None, *, bucket: str, time_zone: str, now: datetime
    ) -> "Period":
        """Return the period that is asked for, widened to whole quarters of an hour; without bounds, the last day.

        Raises:
            InvalidParameter: It is empty, longer or further away than may be; or there is no such time zone.
        """
        try:
            time_zones.time_zone(time_zone)
        except ValueError:
            words = "is no time zone that is known here: names are written as the IANA database has them"
            raise InvalidParameter(violations=[Violation(words, parameter="time_zone")]) from None
        for name, bound in (("from", start), ("to", end)):
            if bound is not None and not EARLIEST <= bound < LATEST:
                words = f"must lie between the years {EARLIEST.year} and {LATEST.year}"
                raise InvalidParameter(violations=[Violation(words, parameter=name)])
        end = now if end is None else end
        start = end - DEFAULT_LENGTH if start is None else start
        if start >= end:
            raise InvalidParameter(violations=[Violation("leaves nothing together with to", parameter="from")])
        period = cls(_quarter(start), _quarter(end + QUARTER - _MICROSECOND), Bucket(bucket), time_zone)
        longest = LONGEST[period.bucket]
        if period.end - period.start > longest + 2 * QUARTER:
            words = f"is more than {longest.days} days before to, the most by {bucket}"
            raise InvalidParameter(violations=[Violation(words, parameter="from")])
        return period


def _quarter(time: datetime) -> datetime:
    return time.replace(minute=time.minute // 15 * 15, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How runs ended, and the steps that their durations reached; from when on, where it isn't the whole period."""

    starts_at: datetime | None
    completed: int
    failed: int
    timeout: int
    cancelled: int
    skipped: int
    p50: int | None
    p95: int | None

    @property
    def failure_rate(self) -> float | None:
        """The part that failed or timed out of what ran to an end of its own; None where nothing did."""
        ran = self.completed + self.failed + self.timeout
        return (self.failed + self.timeout) / ran if ran else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """How the runs of a rule ended: all of them, and by buckets, without those in which none did."""

    as_of: datetime
    total: Ends
    buckets: Sequence[Ends]


def milliseconds(step: int | None) -> float | None:
    """Return the duration in the middle of a step; it is less than 5 % off."""
    return None if step is None else round(2 ** ((step + 0.5) / STEPS), 1)
