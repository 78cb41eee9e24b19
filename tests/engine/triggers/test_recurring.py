"""The settings of rules that run by the clock are checked for what no schema can say."""

from datetime import UTC, datetime, timedelta

import pytest

from automation.engine.triggers.recurring import first_trigger_of, trigger_of, violations

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "config",
    [
        {"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin", "jitter_seconds": 300},
        {"every": "PT1S"},
        {"every": "P366D", "anchor": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_schedule_that_comes_is_taken(config: dict[str, object]) -> None:
    assert list(violations(config, NOON)) == []


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({"cron": "99 * * * *"}, "/cron"),
        ({"cron": "* * * * *", "timezone": "Nowhere"}, "/timezone"),
        ({"every": "PT0S"}, "/every"),
        ({"every": "PT0.5S"}, "/every"),
        ({"every": "P367D"}, "/every"),
        ({"every": "PT1M", "ends_at": "2026-03-01T11:00:00Z"}, "/every"),
        ({"every": "PT1M", "jitter_seconds": 60}, "/jitter_seconds"),
    ],
)
def test_what_is_wrong_is_named(config: dict[str, object], pointer: str) -> None:
    assert [violation.pointer for violation in violations(config, NOON)] == [pointer]


@pytest.mark.parametrize("config", [{"cron": "* * * * *"}, {"every": "PT60S"}])
def test_an_operator_raises_the_least_interval(config: dict[str, str]) -> None:
    assert list(violations(config, NOON, timedelta(seconds=60))) == []
    assert [each.pointer for each in violations(config, NOON, timedelta(seconds=61))] == [f"/{next(iter(config))}"]


def test_a_run_sees_when_it_was_due_and_when_it_was_made() -> None:
    seen = trigger_of(NOON, NOON + timedelta(seconds=0.25))

    assert seen == {"scheduled_at": "2026-03-01T12:00:00.000000Z", "fired_at": "2026-03-01T12:00:00.250000Z"}


def test_the_next_run_sees_the_first_time_that_comes_as_if_it_began_in_time() -> None:
    seen = {"scheduled_at": "2026-03-01T13:00:00.000000Z", "fired_at": "2026-03-01T13:00:00.000000Z"}

    assert first_trigger_of({"every": "PT1H"}, NOON) == seen
    assert first_trigger_of({"every": "PT1H", "ends_at": "2026-03-01T13:30:00Z"}, NOON) == seen
    assert first_trigger_of({"every": "PT1H", "ends_at": "2026-03-01T13:00:00Z"}, NOON) is None
    assert first_trigger_of({"cron": "no expression"}, NOON) is None


def test_without_a_moment_times_are_looked_for_from_now_on() -> None:
    over, lasting = {"every": "PT1H", "ends_at": "2026-03-01T13:30:00Z"}, {"every": "PT1H"}
    now = datetime.now(UTC)

    first = first_trigger_of(lasting)

    assert first_trigger_of(over) is None
    assert first is not None
    assert now < datetime.fromisoformat(first["scheduled_at"]) <= datetime.now(UTC) + timedelta(hours=1)
    assert [each.pointer for each in violations(over)] == ["/every"]
    assert list(violations(over, NOON)) == []


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        ({"every": "P366D"}, []),
        ({"every": "P366DT1S"}, ["/every"]),
        ({"every": "PT1M", "jitter_seconds": 59}, []),
        ({"every": "PT1M", "ends_at": "2026-03-01T12:01:30Z", "jitter_seconds": 3600}, []),
        ({"cron": "0 0 30 2 *"}, ["/cron"]),
    ],
)
def test_bounds_of_the_settings(config: dict[str, object], wrong: list[str]) -> None:
    assert [each.pointer for each in violations(config, NOON)] == wrong
