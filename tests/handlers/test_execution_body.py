"""Tells when a run may begin, of what a client sends; refuses what could never begin."""

from datetime import UTC, datetime, timedelta

import pytest

from automation.domain.errors import InvalidBody
from automation.domain.start_window import AT_ONCE, FURTHEST, StartWindow
from handlers.execution_body import start_window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_run_begins_at_once_where_nothing_is_said() -> None:
    assert start_window({}, NOW) == AT_ONCE


def test_a_delay_counts_from_now() -> None:
    assert start_window({"delay": "PT15M"}, NOW) == StartWindow(run_at=NOW + timedelta(minutes=15))


def test_a_time_is_taken_in_utc_and_may_be_over() -> None:
    window = start_window({"run_at": "2026-03-01T12:30:00+01:00", "expires_at": "2026-03-01t14:00:00z"}, NOW)

    assert window == StartWindow(run_at=NOW - timedelta(minutes=30), expires_at=NOW + timedelta(hours=2))


def test_the_furthest_time_can_be_asked_for() -> None:
    assert start_window({"delay": "P366D"}, NOW).run_at == NOW + FURTHEST


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"delay": "P366DT1S"}, "/delay"),
        ({"run_at": "2027-03-02T12:00:01Z"}, "/run_at"),
        ({"run_at": "2026-11-28T23:59:60Z"}, "/run_at"),
        ({"expires_at": "0000-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2026-03-01T12:00:00Z"}, "/expires_at"),
        ({"delay": "PT1H", "expires_at": "2026-03-01T13:00:00Z"}, "/expires_at"),
    ],
)
def test_what_could_never_begin_is_refused(body: dict[str, str], pointer: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        start_window(body, NOW)

    assert [violation.pointer for violation in refused.value.violations] == [pointer]
