"""Matches paths of requests to paths of the contract: concrete ones before templates, from start to end."""

import re
from collections.abc import Iterable

SEGMENT = "{}"
_parameter = re.compile(r"\{([^{}]*)\}")


def parameter_names(path: str) -> list[str]:
    """Return the names of a path template's parameters, in order."""
    return _parameter.findall(path)


def literals(path: str) -> list[str]:
    """Return what stands before, between and behind a path template's parameters."""
    return _parameter.sub("{}", path).split("{}")


def shape(path: str) -> tuple[str, ...]:
    """Return a template's segments with ``{}`` for what varies: templates of one shape are the same path."""
    return tuple(SEGMENT if _parameter.search(segment) else segment for segment in path.split("/"))


def ordered(paths: Iterable[str]) -> list[str]:
    """Return paths in the order of matching: of two that match, the concrete one comes first (OpenAPI 3.0.3)."""
    return sorted(paths, key=lambda path: [segment == SEGMENT for segment in shape(path)])


def ambiguous(first: str, second: str) -> bool:
    """Return whether some request could mean either of two paths, and neither is the more concrete one."""
    one, other = shape(first), shape(second)
    if len(one) != len(other):
        return False
    differing = [(left, right) for left, right in zip(one, other, strict=True) if left != right]
    if any(SEGMENT not in pair for pair in differing):
        return False
    return len({left == SEGMENT for left, _ in differing}) != 1
