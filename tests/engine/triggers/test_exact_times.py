"""Exact times of schedules: on both sides of what is late, of what is too far ahead, and of a beginning."""

from datetime import UTC, datetime, timedelta

import pytest

from automation.engine.triggers.schedule import LATE, MOST_CAUGHT_UP, Schedule, schedule

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("catch_up", "now", "fired"),
    [
        ("none", NOON + LATE - timedelta(microseconds=1), NOON),
        ("none", NOON + LATE, None),
        ("one", NOON + LATE, NOON),
        ("one", NOON + HOUR + LATE - timedelta(microseconds=1), NOON),
        ("one", NOON + HOUR + LATE, NOON + HOUR),
        ("all", NOON + timedelta(minutes=2 * MOST_CAUGHT_UP) + LATE, NOON),
    ],
)
def test_what_is_exactly_so_late_was_missed(catch_up: str, now: datetime, fired: datetime | None) -> None:
    assert schedule({"every": "PT1H", "catch_up": catch_up}).step(NOON, now).fire == fired


@pytest.mark.parametrize(("days", "comes"), [(3659, True), (3660, False)])
def test_a_time_is_looked_for_less_than_so_far_ahead(days: int, comes: bool) -> None:
    every = timedelta(days=days)

    assert Schedule(every=every, anchor=NOON).after(NOON) == (NOON + every if comes else None)


def test_the_first_time_of_a_schedule_is_its_beginning_and_none_before() -> None:
    instants = Schedule(every=timedelta(microseconds=1), starts_at=NOON)

    assert instants.after(NOON - HOUR) == NOON
    assert instants.after(NOON) == NOON + timedelta(microseconds=1)
