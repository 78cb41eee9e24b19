"""Recurring triggers: the settings of a rule that runs by the clock, and what its runs see as ``trigger``."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from automation.contract.compiled.parameters import written
from automation.domain.errors import Violation
from automation.engine.triggers.schedule import BadSchedule, Schedule, schedule, ten_times

LEAST_INTERVAL = timedelta(seconds=1)
"""How often a rule runs at the most, where the operator says nothing."""


def violations(
    config: Mapping[str, Any], now: datetime | None = None, least: timedelta = LEAST_INTERVAL
) -> Iterator[Violation]:
    """Yield what is wrong with the settings of a recurring trigger that no schema can say.

    Args:
        config: The settings, a contract component ``RecurringTriggerConfig``.
        now: From when on its times are looked at; this moment when left out.
        least: How far apart its times are at the least.
    """
    yield from previewed(config, now or datetime.now(UTC), least)[0]


def previewed(config: Mapping[str, Any], now: datetime, least: timedelta) -> tuple[list[Violation], list[datetime]]:
    """Return what ``violations`` yields, and the next ten times after a moment, which are looked for once."""
    try:
        wanted = schedule(config)
    except BadSchedule as error:
        return [Violation(str(error), pointer=f"/{error.name}")], []
    if wanted.every is not None and not least <= wanted.every <= timedelta(days=366):
        message = f"must be {least.total_seconds():g} seconds at the least, 366 days at the most"
        return [Violation(message, pointer="/every")], []
    times = ten_times(wanted, now)
    return [*_of_times(times, wanted, least)], times


def _of_times(times: Sequence[datetime], wanted: Schedule, least: timedelta) -> Iterator[Violation]:
    by = "cron" if wanted.every is None else "every"
    if not times:
        yield Violation("never comes, or not in the next ten years", pointer=f"/{by}")
    shortest = min((later - earlier for earlier, later in pairwise(times)), default=timedelta.max)
    if shortest < least:
        yield Violation(f"comes more often than every {least.total_seconds():g} seconds", pointer=f"/{by}")
    if wanted.jitter >= shortest:
        yield Violation("must be less than the time between two runs", pointer="/jitter_seconds")


def trigger_of(scheduled_at: datetime, fired_at: datetime) -> dict[str, str]:
    """Return what a run sees as ``trigger``."""
    return {"scheduled_at": written(scheduled_at), "fired_at": written(fired_at)}


def first_trigger_of(config: Mapping[str, Any], now: datetime | None = None) -> dict[str, str] | None:
    """Return what the next run sees as ``trigger`` that begins in time; None for settings with which none comes."""
    try:
        times = ten_times(schedule(config), now or datetime.now(UTC))
    except BadSchedule:
        return None
    return trigger_of(times[0], times[0]) if times else None
