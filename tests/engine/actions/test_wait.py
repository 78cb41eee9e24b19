from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from automation.engine.actions import ActionFailed, Actions
from tests.engine.actions.calls import a_call

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"seconds": 90}, NOW + timedelta(seconds=90)),
        ({"seconds": 0.25}, NOW + timedelta(milliseconds=250)),
        ({"seconds": 2592000}, NOW + timedelta(days=30)),
        ({"until": "2026-03-29T01:00:00Z"}, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ({"until": "2026-03-29t03:00:00.5+02:00"}, datetime(2026, 3, 29, 1, 0, 0, 500000, tzinfo=UTC)),
        ({"until": "2020-01-01T00:00:00Z"}, NOW),
    ],
)
def test_an_execution_goes_on_after_the_time_has_come(
    actions: Actions, config: dict[str, Any], expected: datetime
) -> None:
    assert actions.check("wait", config) == []
    assert actions.resume_at("wait", config, NOW) == expected


def test_the_time_is_in_utc_whatever_the_clock_s_zone(actions: Actions) -> None:
    now = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))

    resumed = actions.resume_at("wait", {"seconds": 1}, now)

    assert resumed == NOW + timedelta(seconds=1)
    assert resumed.tzinfo is UTC


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({}, "/config"),
        ({"seconds": 1, "until": "2026-03-29T01:00:00Z"}, "/config"),
        ({"seconds": 0}, "/config/seconds"),
        ({"seconds": -1}, "/config/seconds"),
        ({"seconds": 2592001}, "/config/seconds"),
        ({"seconds": "60"}, "/config/seconds"),
        ({"until": "tomorrow"}, "/config/until"),
        ({"until": "2026-03-29T01:00:00"}, "/config/until"),
        ({"until": "2026-03-29 01:00:00Z"}, "/config/until"),
        ({"until": "2016-12-31T23:59:60Z"}, "/config/until"),
        ({"until": "0000-01-01T00:00:00Z"}, "/config/until"),
        ({"until": "9999-12-31T23:59:59-10:00"}, "/config/until"),
    ],
)
def test_a_config_that_is_not_a_time_to_wait_is_refused(actions: Actions, config: dict[str, Any], pointer: str) -> None:
    assert [fault.pointer for fault in actions.check("wait", config)] == [pointer]


def test_templates_are_left_to_the_run(actions: Actions) -> None:
    assert actions.check("wait", {"seconds": "${trigger.delay}"}) == []
    assert actions.check("wait", {"until": "${trigger.day}T09:00:00Z"}) == []


@pytest.mark.parametrize("config", [{"until": "2026-05-01T00:00:00Z"}, {"seconds": 2592001}, {"until": "soon"}])
def test_more_than_thirty_days_and_what_is_no_time_fail(actions: Actions, config: dict[str, Any]) -> None:
    with pytest.raises(ActionFailed) as raised:
        actions.resume_at("wait", config, NOW)

    assert raised.value.definite
    assert not raised.value.retryable


async def test_waiting_is_never_run(actions: Actions) -> None:
    assert actions.waits("wait")
    assert not actions.waits("webhook_call")

    with pytest.raises(ActionFailed, match="waits"):
        await actions.run("wait", {"seconds": 1}, a_call())
    with pytest.raises(ActionFailed, match="doesn't wait"):
        actions.resume_at("webhook_call", {"url": "http://h/"}, NOW)
