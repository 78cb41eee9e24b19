"""Durations as ISO 8601 writes them, where they have a fixed length."""

from datetime import timedelta

import pytest

from automation.domain.start_window import duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P2W", timedelta(weeks=2)),
        ("P1D", timedelta(days=1)),
        ("PT15M", timedelta(minutes=15)),
        ("PT1H5S", timedelta(hours=1, seconds=5)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("PT0S", timedelta()),
        ("PT0.000001S", timedelta(microseconds=1)),
    ],
)
def test_a_duration_is_read(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "P1M",
        "1D",
        "PT1",
        "PT1S ",
        "-PT1S",
        "P-1D",
        "PT1,5S",
        "P1W2D",
        "PT1M2H",
        "PT\u0661S",
    ],
)
def test_what_has_no_fixed_length_or_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration(text)
