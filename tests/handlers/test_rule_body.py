"""A rule as it was read can be sent back: its times by their instant, however they are written."""

from datetime import UTC, datetime

import pytest

from automation.domain.errors import InvalidBody
from handlers.rule_body import require_read_only_kept

SHOWN = {"created_at": datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC), "version": 3}


@pytest.mark.parametrize(
    "sent", ["2026-03-01T12:30:15.250000Z", "2026-03-01t12:30:15.25z", "2026-03-01T13:30:15.25+01:00"]
)
def test_the_same_instant_is_the_same_time(sent: str) -> None:
    require_read_only_kept({"created_at": sent, "version": 3}, SHOWN)


@pytest.mark.parametrize("sent", ["2026-11-28T23:59:60Z", "0000-01-01T00:00:00Z", "2026-03-01T12:30:15Z"])
def test_another_time_is_named(sent: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        require_read_only_kept({"created_at": sent}, SHOWN)

    assert [violation.pointer for violation in refused.value.violations] == ["/created_at"]
