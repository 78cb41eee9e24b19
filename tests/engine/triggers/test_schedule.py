"""Schedules across daylight saving, month ends and leap days, as a calendar says it and nobody's clock."""

import random
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from automation.engine.triggers.schedule import (
    EARLIEST,
    HORIZON,
    LATE,
    LATEST,
    MOST_CAUGHT_UP,
    BadSchedule,
    Step,
    require_between,
    schedule,
    ten_times,
)

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata")
EXPRESSIONS = (
    "30 2 * * *",
    "0,30 1-3 * * *",
    "*/15 * * * *",
    "59 23 L * *",
    "0 0 29 2 *",
    "15 0 * * MON#1",
    "7 * * * *",
)


def local(zone: str, **config: Any) -> list[str]:
    """Return the first four times after a moment on the clocks of a place."""
    after = datetime.fromisoformat(config.pop("after"))
    times = islice(schedule({"timezone": zone, **config}).times(after), 4)
    return [time.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for time in times]


@pytest.mark.parametrize(
    ("zone", "cron", "after", "expected"),
    [
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-03-27T12:00:00Z",
            ["2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00", "2026-03-31T02:30+02:00"],
        ),
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-23T12:00:00Z",
            ["2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00", "2026-10-27T02:30+01:00"],
        ),
        (
            "America/New_York",
            "0,30 2,3 * * *",
            "2026-03-08T05:00:00Z",
            ["2026-03-08T03:00-04:00", "2026-03-08T03:30-04:00", "2026-03-09T02:00-04:00", "2026-03-09T02:30-04:00"],
        ),
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-03T00:00:00Z",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00", "2026-10-06T02:15+11:00", "2026-10-07T02:15+11:00"],
        ),
        (
            "Europe/Berlin",
            "*/30 * * * *",
            "2026-10-25T00:00:00Z",
            ["2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-25T03:00+01:00"],
        ),
        (
            "UTC",
            "0 9 L * *",
            "2028-01-15T00:00:00Z",
            ["2028-01-31T09:00+00:00", "2028-02-29T09:00+00:00", "2028-03-31T09:00+00:00", "2028-04-30T09:00+00:00"],
        ),
        (
            "UTC",
            "0 0 29 2 *",
            "2026-01-01T00:00:00Z",
            ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00", "2036-02-29T00:00+00:00", "2040-02-29T00:00+00:00"],
        ),
    ],
    ids=["skipped", "repeated", "skipped twice", "half an hour skipped", "elapsed time", "month ends", "leap days"],
)
def test_the_times_of_an_expression(zone: str, cron: str, after: str, expected: list[str]) -> None:
    assert local(zone, cron=cron, after=after) == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", EXPRESSIONS)
def test_wherever_one_begins_to_look_the_times_are_the_same_and_each_is_later(zone: str, cron: str) -> None:
    chance = random.Random(f"{zone} {cron}")  # noqa: S311 - the same each time
    wanted = schedule({"cron": cron, "timezone": zone})
    times = list(islice(wanted.times(datetime(2026, 1, 1, tzinfo=UTC)), 3000 if "*/" in cron else 300))

    assert all(earlier < later for earlier, later in pairwise(times))
    for _ in range(40):
        earlier, later = chance.choice(list(pairwise(times)))
        moment = earlier + (later - earlier) * chance.random()
        assert wanted.after(moment) == later
        assert wanted.after(earlier) == later


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("60 * * * *", "has a minute that is none, or never comes"),
        ("0 25 * * *", "has an hour that is none, or never comes"),
        ("0 2 30 2 *", "has a day of the month that is none, or never comes"),
        ("0 0 * 13 *", "has a month that is none, or never comes"),
        ("0 0 * * 8", "has a weekday that is none, or never comes"),
        ("* * * *", "is no cron expression of five fields: minute, hour, day of the month, month, weekday"),
    ],
)
def test_what_is_wrong_with_an_expression_is_told_by_its_field(cron: str, said: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        schedule({"cron": cron})

    assert (refused.value.name, str(refused.value)) == ("cron", said)


def test_ten_times_are_found_however_rare_they_are() -> None:
    times = ten_times(schedule({"cron": "0 0 29 2 *"}), datetime(2095, 1, 1, tzinfo=UTC))

    assert [time.year for time in times] == [2096, *range(2104, 2137, 4)]  # 2100 has no such day


SPARSE = ("0 0 29 2 7#5", "1 1 29 2 */6", "0 0 31 2 1#5", "*/20 2 */31 3 7L", "30 2 31 3,10 7L", "0 0 */30 * 1L")


@pytest.mark.parametrize("zone", ["UTC", *ZONES])
@pytest.mark.parametrize("cron", SPARSE)
def test_times_that_are_years_apart_are_those_of_the_package_within_ten_years(zone: str, cron: str) -> None:
    for year in (1971, 2026, 2095, 8999):
        moment = datetime(year, 3, 1, 12, tzinfo=UTC)
        expected, last = [], moment
        for found in islice(CronSim(cron, moment.astimezone(ZoneInfo(zone))), 10):
            if found >= last + HORIZON:
                break
            last = found.astimezone(UTC)
            expected.append(last)

        assert ten_times(schedule({"cron": cron, "timezone": zone}), moment) == expected


@pytest.mark.parametrize("cron", ["0 0 */31 * 1#5", "*/5 2 */31 * 1#5", "* * */31 * 1#5"])
def test_a_search_that_finds_nothing_looks_at_each_day_of_ten_years_twice_at_most(
    cron: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    days, matches = 0, CronSim.match_day

    def counted(search: CronSim, day: date) -> bool:
        nonlocal days
        days += 1
        return matches(search, day)

    monkeypatch.setattr(CronSim, "match_day", counted)
    wanted = schedule({"cron": cron, "timezone": "Europe/Berlin"})

    found = wanted.after(NOON)
    of_a_search = days
    wanted.step(NOON - timedelta(days=3000), NOON)

    assert found is None
    assert 3000 < of_a_search < 2 * HORIZON.days
    assert days - of_a_search < 8 * HORIZON.days  # windows that double, and the search for what follows


def test_a_repeated_time_that_was_passed_does_not_come_again() -> None:
    second_time_round = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 in Berlin, once more

    assert schedule({"cron": "30 2 * * *", "timezone": "Europe/Berlin"}).after(second_time_round) == datetime(
        2026, 10, 26, 1, 30, tzinfo=UTC
    )


def test_an_interval_counts_from_its_anchor_in_both_directions() -> None:
    wanted = schedule({"every": "PT7M", "anchor": "2026-06-01T00:03:00+01:00"})

    times = ten_times(wanted, NOON)

    anchor = datetime(2026, 5, 31, 23, 3, tzinfo=UTC)
    assert all((time - anchor) % timedelta(minutes=7) == timedelta() for time in times)
    assert NOON < times[0] <= NOON + timedelta(minutes=7)
    assert wanted.after(times[0]) == times[1]


def test_a_schedule_is_bounded_by_its_beginning_and_before_its_end() -> None:
    wanted = schedule({"every": "PT1H", "starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-02T02:00:00Z"})

    assert ten_times(wanted, NOON) == [datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (0, 1)]
    assert wanted.after(datetime(2026, 3, 2, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("catch_up", ["none", "one", "all"])
def test_what_is_looked_at_in_time_is_fired_and_the_next_follows(catch_up: str) -> None:
    wanted = schedule({"every": "PT1S", "catch_up": catch_up})

    assert wanted.step(NOON, NOON + LATE - timedelta(milliseconds=1)) == Step(NOON, NOON + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("none", Step(None, NOON + 5 * HOUR)),
        ("one", Step(NOON + 4 * HOUR, NOON + 5 * HOUR)),
        ("all", Step(NOON, NOON + HOUR)),
    ],
)
def test_what_was_missed_is_made_up_for_as_the_schedule_says(catch_up: str, expected: Step) -> None:
    wanted = schedule({"cron": "0 * * * *", "catch_up": catch_up})

    assert wanted.step(NOON, NOON + 4.5 * HOUR) == expected


def test_all_are_the_last_hundred() -> None:
    wanted, now = schedule({"cron": "* * * * *", "catch_up": "all"}), NOON + timedelta(days=400, seconds=30)
    due, fired = NOON, list[datetime]()

    while due <= now:
        step = wanted.step(due, now)
        assert step.following is not None
        due = step.following
        if step.fire is not None:
            fired.append(step.fire)

    assert len(fired) == MOST_CAUGHT_UP
    assert fired[-1] == now - timedelta(seconds=30)
    assert all(later - earlier == timedelta(minutes=1) for earlier, later in pairwise(fired))


def test_what_its_jitter_put_off_was_not_missed() -> None:
    wanted = schedule({"cron": "0 * * * *", "catch_up": "none", "jitter_seconds": 600})

    assert wanted.step(NOON, NOON + timedelta(seconds=600)).fire == NOON
    assert wanted.step(NOON, NOON + timedelta(seconds=611)).fire is None


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "timezone"),
        ({"cron": "* * * * *", "timezone": "Europe"}, "timezone"),
        ({"cron": "* * * * *", "timezone": "localtime"}, "timezone"),
        ({"every": "P1M"}, "every"),
        ({"every": "PT1S", "starts_at": "0000-01-01T00:00:00Z"}, "starts_at"),
    ],
)
def test_what_is_no_schedule_is_named(config: dict[str, str], name: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        schedule(config)

    assert refused.value.name == name


@pytest.mark.parametrize("time", [EARLIEST - timedelta(microseconds=1), LATEST])
def test_a_time_that_lies_too_far_away_is_none_to_ask_about(time: datetime) -> None:
    with pytest.raises(ValueError, match="between the years 1970 and 9000"):
        require_between(time)


@pytest.mark.parametrize("time", [EARLIEST, LATEST - timedelta(microseconds=1)])
def test_the_first_and_the_last_one_can_be_asked_about(time: datetime) -> None:
    assert require_between(time) is time
