"""Retention as people write it, and its defaults."""

import pytest

from automation.domain.executions import FINISHED
from automation.domain.retention import DEFAULTS, Kept, read_retention


def test_every_status_of_a_finished_execution_is_kept_for_a_time_of_its_own() -> None:
    assert {kept.status for kept in Kept} - {None} == set(FINISHED)


def test_by_default_executions_are_kept_for_ever_and_audit_events_for_a_year() -> None:
    assert {str(kept): days for kept, days in DEFAULTS.items() if days is not None} == {"audit_events": 365}


def test_each_can_be_given_days_or_none() -> None:
    retention = read_retention(["completed=30", " failed = 1 ", "audit_events=forever"])

    assert retention == {**DEFAULTS, Kept.COMPLETED: 30, Kept.FAILED: 1, Kept.AUDIT_EVENTS: None}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pending=1", "'pending' is none of completed, failed"),
        ("completed", "must be a number of days from 1 to 36500, or forever"),
        ("completed=0", "must be a number of days from 1"),
        ("completed=-1", "must be a number of days"),
        ("completed=36501", "must be a number of days"),
        ("completed=\u0661", "must be a number of days"),
        ("audit_events=29", "from 30 to 36500"),
    ],
)
def test_what_cannot_be_kept_so_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_retention([text])
