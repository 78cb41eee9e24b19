"""Our own rule finds the limits that specshift misses, in requests and in responses."""

from typing import Any

import pytest

from tests.tools.contract_diff.variants import Edit, Json, found_by_specshift, found_by_us, member

ABSENT: Any = object()


def _set(schema: Json, keyword: str, value: Any) -> None:
    if value is ABSENT:
        schema.pop(keyword, None)
    else:
        schema[keyword] = value


def _in_request(keyword: str, value: Any) -> Edit:
    """Return the edit of a limit that nothing but requests has."""
    return lambda document: _set(
        member(document, "execution_timeout_seconds", of="AutomationRuleInput"), keyword, value
    )


def _in_response(keyword: str, value: Any) -> Edit:
    """Return the edit of a limit that nothing but responses has."""
    return lambda document: _set(member(document, "duration_ms", of="AutomationExecution"), keyword, value)


ADDED = [
    ("minProperties", ABSENT, 1),
    ("minProperties", 1, 2),
    ("maxProperties", ABSENT, 9),
    ("maxProperties", 9, 8),
    ("minLength", ABSENT, 1),
    ("maxLength", ABSENT, 9),
    ("minItems", ABSENT, 1),
    ("maxItems", ABSENT, 9),
    ("multipleOf", ABSENT, 2),
    ("multipleOf", 2, 4),
    ("uniqueItems", ABSENT, True),
    ("exclusiveMinimum", ABSENT, True),
    ("exclusiveMaximum", ABSENT, True),
]
"""Limits that forbid more after than before."""


@pytest.mark.parametrize(("keyword", "loose", "strict"), ADDED)
def test_a_stricter_request_breaks(keyword: str, loose: Any, strict: Any) -> None:
    changes = found_by_us(_in_request(keyword, strict), after=_in_request(keyword, loose))

    assert {change.rule for change in changes} == {"limit"}


@pytest.mark.parametrize(("keyword", "loose", "strict"), ADDED)
def test_a_looser_request_does_not(keyword: str, loose: Any, strict: Any) -> None:
    assert found_by_us(_in_request(keyword, loose), after=_in_request(keyword, strict)) == []


@pytest.mark.parametrize(("keyword", "loose", "strict"), [*ADDED, ("maximum", 10, 9), ("minimum", -1, 0)])
def test_a_looser_response_breaks(keyword: str, loose: Any, strict: Any) -> None:
    changes = found_by_us(_in_response(keyword, loose), after=_in_response(keyword, strict))

    assert {change.rule for change in changes} == {"limit"}


@pytest.mark.parametrize(("keyword", "loose", "strict"), [*ADDED, ("maximum", 10, 9), ("minimum", -1, 0)])
def test_a_stricter_response_does_not(keyword: str, loose: Any, strict: Any) -> None:
    assert found_by_us(_in_response(keyword, strict), after=_in_response(keyword, loose)) == []


def test_another_step_breaks_in_both_directions() -> None:
    request = found_by_us(_in_request("multipleOf", 3), after=_in_request("multipleOf", 2))
    response = found_by_us(_in_response("multipleOf", 3), after=_in_response("multipleOf", 2))

    assert {change.what for change in (*request, *response)} == {"multipleOf 2, now 3"}


def test_what_specshift_finds_is_not_said_twice() -> None:
    edit = _in_request("maximum", 60)

    assert found_by_us(edit) == []
    assert found_by_specshift(edit) != []
