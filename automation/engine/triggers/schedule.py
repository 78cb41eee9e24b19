"""Schedule of a recurring rule: when it is due, worked out from its settings and a time alone.

Nothing here looks at a clock, so that a schedule is the same for whoever asks: a worker, or a client that has not saved
it yet. Expressions are those of Debian's cron: where minute and hour are said, the clock on the wall counts, and where
one of them begins with ``*``, the time that passes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from automation.contract.compiled.scalars import date_time
from automation.domain.start_window import duration
from automation.domain.time_zones import time_zone

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What intervals are counted from where no anchor is said."""
HORIZON: Final = timedelta(days=3660)
"""How far ahead of the one before a time is looked for: ten years have each day of the calendar, a leap day too."""
EARLIEST: Final = EPOCH
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Between which all times of a schedule lie: before and after, zones and ten years would lead out of the calendar."""
LATE: Final = timedelta(seconds=10)
"""How late a time is looked at that counts as missed: workers were away, or all of them stood still."""
MOST_CAUGHT_UP: Final = 100
"""How many missed times are made up for at the most: the last ones."""
_TICK: Final = timedelta(microseconds=1)
_NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """What is done about a schedule: the time whose run is made, and the one that is due next; None for none."""

    fire: datetime | None
    following: datetime | None


class _Search(CronSim):
    """A search that gives up where no time is wanted any more: the package's goes on for fifty years, day by day.

    Args:
        expression: What is looked for.
        moment: After which, on the clocks of a zone.
        end: Until which day, on the same clocks.
    """

    def __init__(self, expression: str, moment: datetime, end: datetime) -> None:
        super().__init__(expression, moment)
        self._end = self._farthest = end.date()

    def __next__(self) -> datetime:
        """Return the next time, which is at most ten years and a day later than the one before."""
        self._farthest = min(self._end, self.dt.date() + HORIZON + timedelta(days=1))
        return super().__next__()

    def advance_month(self) -> None:
        """Go to a month that is wanted; the package does so whenever it goes to another day."""
        super().advance_month()
        if self.dt.date() > self._farthest:
            raise StopIteration


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a recurring rule is due: by a ``cron`` expression in a time zone, or at each interval from an anchor on.

    ``starts_at`` and ``ends_at`` bound it, the end excluded. Every time has a time zone, and is returned in UTC.
    """

    cron: str | None = None
    zone: ZoneInfo | None = None
    every: timedelta | None = None
    anchor: datetime = EPOCH
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    catch_up: str = "one"
    jitter: timedelta = timedelta()

    def after(self, moment: datetime) -> datetime | None:
        """Return the first time after a moment; None where there is none."""
        return next(self.times(moment), None)

    def times(self, moment: datetime, before: datetime = _NEVER) -> Iterator[datetime]:
        """Yield the times after a moment, each later than the one before, but by no more than ten years.

        Args:
            moment: After which they lie.
            before: Where they end, as at the schedule's own end.
        """
        last = moment if self.starts_at is None else max(moment, self.starts_at - _TICK)
        end = min(self.ends_at or _NEVER, before)
        for time in self._by_interval(last) if self.every is not None else self._by_cron(last, end):
            if time >= min(last + HORIZON, end):
                return
            if time > last:
                yield time
                last = time

    def step(self, due: datetime, now: datetime) -> Step:
        """Return what is done at ``now`` about the time that is ``due``, and so of all since then that were missed."""
        latest = now - LATE - self.jitter
        if due > latest:
            return Step(due, self.after(due))
        missed = self._last(due, latest, 1 if self.catch_up == "one" else MOST_CAUGHT_UP)
        if self.catch_up == "none":
            return Step(None, self.after(latest))
        return Step(missed[0], self.after(missed[0]))

    def _last(self, due: datetime, latest: datetime, most: int) -> list[datetime]:
        """Return the last times from ``due`` to ``latest``, as many as there are or ``most``.

        They are looked for from the end, in windows that double, so a year of minutes costs no more than a day of them.
        """
        window = timedelta(minutes=2 * most)
        while True:
            begin = max(due - _TICK, latest - window)
            found = [time for time in self.times(begin, latest + _TICK) if time >= due]
            if len(found) >= most or begin < due:
                return found[-most:] or [due]
            window *= 2

    def _by_interval(self, moment: datetime) -> Iterator[datetime]:
        if self.every is None:
            raise ValueError("the schedule has no interval")
        time = moment + self.every - (moment - self.anchor) % self.every
        while True:
            yield time
            time += self.every

    def _by_cron(self, moment: datetime, end: datetime) -> Iterator[datetime]:
        if self.cron is None:
            raise ValueError("the schedule has no expression")
        for time in _Search(self.cron, moment.astimezone(self.zone), end.astimezone(self.zone)):
            yield time.astimezone(UTC)


def schedule(config: Mapping[str, Any]) -> Schedule:
    """Return the schedule of a contract component ``RecurringTriggerConfig``.

    Raises:
        BadSchedule: There is no such zone or time, or the expression is none.
    """
    every, cron = _part(config, "every", duration), config.get("cron")
    made = Schedule(
        cron=cron,
        zone=_part(config, "timezone", time_zone) or ZoneInfo("UTC"),
        every=every,
        anchor=_part(config, "anchor", _time) or _part(config, "starts_at", _time) or EPOCH,
        starts_at=_part(config, "starts_at", _time),
        ends_at=_part(config, "ends_at", _time),
        catch_up=config.get("catch_up", "one"),
        jitter=timedelta(seconds=config.get("jitter_seconds", 0)),
    )
    if cron is not None:
        _part(config, "cron", lambda text: CronSim(text, EPOCH))
    return made


class BadSchedule(ValueError):
    """A setting of a schedule is not what it must be.

    Args:
        name: Which.
        message: What is wrong with it.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def ten_times(wanted: Schedule, moment: datetime) -> list[datetime]:
    """Return the next ten times of a schedule after a moment, or as many as there are."""
    return list(islice(wanted.times(moment), 10))


_SAID: Final = {
    "cron": "is no cron expression of five fields: minute, hour, day of the month, month, weekday",
    "timezone": "is no time zone of the IANA database",
    "every": "is no duration in weeks, or in days, hours, minutes and seconds (ISO 8601)",
}

_FIELDS: Final = {
    "minute": "a minute",
    "hour": "an hour",
    "day-of-month": "a day of the month",
    "month": "a month",
    "day-of-week": "a weekday",
}
"""The fields of an expression, by what the package calls them."""


def _part(config: Mapping[str, Any], name: str, read: Any) -> Any:
    if name not in config:
        return None
    try:
        return read(config[name])
    except (ValueError, OverflowError, OSError, KeyError, CronSimError) as error:
        raise BadSchedule(name, _said(name, error)) from error


def _said(name: str, error: Exception) -> str:
    field = _FIELDS.get(str(error).removeprefix("Bad ")) if name == "cron" else None
    if field is not None:
        return f"has {field} that is none, or never comes"
    return _SAID.get(name, str(error))


def require_between(time: datetime) -> datetime:
    """Return a time that a schedule can be asked about.

    Raises:
        ValueError: It lies too far away.
    """
    if not EARLIEST <= time < LATEST:
        raise ValueError(f"must lie between the years {EARLIEST.year} and {LATEST.year}")
    return time


def _time(text: str) -> datetime:
    return require_between(date_time(text))
