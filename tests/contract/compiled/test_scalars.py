"""Scalars: each has one written form, up to the very ends of what it may be, and no other text is one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from automation.contract.compiled.scalars import Undecodable, decoder

INTEGER, NUMBER, BOOLEAN, STRING = ("integer", None), ("number", None), ("boolean", None), ("string", None)
UUID_TEXT, TIME = ("string", "uuid"), ("string", "date-time")

VALUES: list[tuple[tuple[str, str | None], str, Any]] = [
    (INTEGER, "0", 0),
    (INTEGER, "-1", -1),
    (INTEGER, "9223372036854775807", 2**63 - 1),
    (INTEGER, "-9223372036854775808", -(2**63)),
    (NUMBER, "-1.5e-3", -0.0015),
    (NUMBER, "1.7976931348623157e308", 1.7976931348623157e308),
    (BOOLEAN, "true", True),
    (BOOLEAN, "false", False),
    (STRING, "", ""),
    (STRING, "true", "true"),
    (("string", "uri"), "a", "a"),
    (UUID_TEXT, "7C9E6679-7425-40de-944b-e07fc1f90ae7", UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")),
    (TIME, "2026-03-01t12:30:15.1234569+02:00", datetime(2026, 3, 1, 10, 30, 15, 123456, UTC)),
]
REFUSED: list[tuple[tuple[str, str | None], str, str]] = [
    (INTEGER, "9223372036854775808", "integer"),
    (INTEGER, "-9223372036854775809", "integer"),
    (INTEGER, "01", "integer"),
    (INTEGER, "-0", "integer"),
    (INTEGER, "+1", "integer"),
    (INTEGER, "1.0", "integer"),
    (INTEGER, "\N{ARABIC-INDIC DIGIT ONE}", "integer"),
    (INTEGER, "", "integer"),
    (NUMBER, "1e309", "number"),
    (NUMBER, "NaN", "number"),
    (NUMBER, ".5", "number"),
    (NUMBER, "", "number"),
    (BOOLEAN, "True", "true or false"),
    (BOOLEAN, "", "true or false"),
    (STRING, "a\0", "U\\+0000"),
    (UUID_TEXT, "7c9e6679742540de944be07fc1f90ae7", "UUID"),
    (TIME, "2026-03-01T12:30:15 02:00", "%2B"),
    (TIME, "2026-02-30T12:30:15Z", "RFC 3339"),
    (TIME, "0001-01-01T00:00:00+01:00", "RFC 3339"),
    (TIME, "2026-03-01T12:30:15", "RFC 3339"),
]


@pytest.mark.parametrize(("kind", "text", "value"), VALUES)
def test_a_text_is_the_value_that_it_writes(kind: tuple[str, str | None], text: str, value: Any) -> None:
    decoded = decoder(*kind)(text)

    assert (type(decoded), decoded) == (type(value), value)


@pytest.mark.parametrize(("kind", "text", "message"), REFUSED)
def test_a_text_that_writes_no_value_is_refused_in_words(kind: tuple[str, str | None], text: str, message: str) -> None:
    with pytest.raises(Undecodable, match=message):
        decoder(*kind)(text)
