"""Times of parameters are RFC 3339 with an offset, and arrive as aware datetimes in UTC."""

from datetime import UTC, datetime

import pytest

from automation.contract.compiled.parameters import written
from automation.contract.compiled.scalars import Undecodable, date_time

TIME = datetime(2026, 11, 2, 8, 15, 30, 123_456, tzinfo=UTC)
NO_TIME = "must be a date and time with a time zone (RFC 3339)"
BLANK = "has a blank where its offset begins: write %2B for the +"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02T08:15:30.123456Z",
        "2026-11-02t08:15:30.123456z",
        "2026-11-02T08:15:30.1234569999Z",
        "2026-11-02T10:15:30.123456+02:00",
        "2026-11-01T22:45:30.123456-09:30",
        "2026-11-02T08:15:30.123456-00:00",
    ],
)
def test_a_time_is_the_same_in_whatever_offset(text: str) -> None:
    decoded = date_time(text)

    assert (decoded, decoded.tzinfo) == (TIME, UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-11-02T08:15:30", NO_TIME),
        ("2026-11-02", NO_TIME),
        ("2026-11-02 08:15:30Z", NO_TIME),
        ("20261102T081530Z", NO_TIME),
        ("2026-11-02T08:15Z", NO_TIME),
        ("2026-11-02T24:00:00Z", NO_TIME),
        ("2026-11-02T08:15:60Z", NO_TIME),
        ("2016-12-31T23:59:60Z", NO_TIME),
        ("2026-02-29T08:15:30Z", NO_TIME),
        ("0000-01-01T00:00:00Z", NO_TIME),
        ("0001-01-01T00:00:00+01:00", NO_TIME),
        ("9999-12-31T23:59:59-01:00", NO_TIME),
        ("2026-11-02T08:15:30+0200", NO_TIME),
        ("2026-11-02T08:15:30+24:00", NO_TIME),
        ("2026-11-02T08:15:30.Z", NO_TIME),
        ("2026-11-02T08:15:30,5Z", NO_TIME),
        ("2026-11-02T08:15:30Z\n", NO_TIME),
        ("2026-11-02T08:15:3\N{ARABIC-INDIC DIGIT ZERO}Z", NO_TIME),
        ("", NO_TIME),
        ("now", NO_TIME),
        ("2026-11-02T10:15:30 02:00", BLANK),
    ],
)
def test_what_is_no_time_is_told(text: str, message: str) -> None:
    with pytest.raises(Undecodable) as caught:
        date_time(text)

    assert str(caught.value) == message


def test_a_time_that_was_read_can_be_sent_again() -> None:
    assert written(date_time("2026-11-02T10:15:30+02:00")) == "2026-11-02T08:15:30.000000Z"
    assert date_time(written(TIME)) == TIME
