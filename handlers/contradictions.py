"""Contradictions between filters of a list: what nothing can meet is a mistake, and no empty answer says so."""

from collections.abc import Iterator, Mapping
from typing import Any

from automation.domain.errors import InvalidParameter, Violation
from automation.domain.labels import pairs

INTERVALS = (
    ("created_from", "created_to"),
    ("started_from", "started_to"),
    ("completed_from", "completed_to"),
)
"""Half-open intervals, by the names of their bounds."""
_IN_ORDER = (("created_from", "started_to"), ("created_from", "completed_to"), ("started_from", "completed_to"))
"""Bounds of times that follow each other in every execution."""
RANGES = (("duration_min_ms", "duration_max_ms"),)
"""Ranges with both ends, by the names of their bounds."""
_OF_STARTED = ("started_from", "started_to")
_OF_ENDED = ("completed_from", "completed_to", "duration_min_ms", "duration_max_ms", "error_contains")
_BEFORE = (({"pending"}, _OF_STARTED), ({"pending", "running"}, _OF_ENDED))
"""Statuses of executions that have no such thing yet."""


def require_sense(filters: Mapping[str, Any]) -> None:
    """Refuse filters that nothing can meet, by what they say themselves.

    Raises:
        InvalidParameter: Two of them leave nothing; both are named.
    """
    violations = [
        violation
        for first, last in dict.fromkeys(_contradicting(filters))
        for violation in (
            Violation(f"leaves nothing together with {last}", parameter=first),
            Violation(f"leaves nothing together with {first}", parameter=last),
        )
    ]
    keys = [key for key, _ in pairs(filters.get("label", ()))]
    if len(set(keys)) < len(keys):
        violations.append(Violation("asks for two values of one key, and nothing has both", parameter="label"))
    if violations:
        raise InvalidParameter(violations=violations)


def _contradicting(filters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for pair in INTERVALS + _IN_ORDER:
        if _given(filters, pair) and filters[pair[0]] >= filters[pair[1]]:
            yield pair
    for pair in RANGES:
        if _given(filters, pair) and filters[pair[0]] > filters[pair[1]]:
            yield pair
    statuses = set(filters.get("status") or ())
    for without, names in _BEFORE:
        if statuses and statuses <= without:
            yield from (("status", name) for name in names if filters.get(name) is not None)


def _given(filters: Mapping[str, Any], pair: tuple[str, str]) -> bool:
    return all(filters.get(name) is not None for name in pair)
