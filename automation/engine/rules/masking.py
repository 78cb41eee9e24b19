"""Keeps secrets out of what people read: plans, logs and errors show that a value is there, and not which."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_names_a_secret = re.compile(r"authorization|api[-_]?key|token|secret|password|cookie", re.IGNORECASE).search


def masked(value: Any) -> Any:
    """Return a copy of a JSON value in which every member whose name sounds like a secret's has a mask for a value.

    Whatever stands below such a name is masked as a whole; null stays null, since it tells nothing.
    """
    if isinstance(value, Mapping):
        return {name: _member(name, member) for name, member in value.items()}
    return [masked(element) for element in value] if isinstance(value, list | tuple) else value


def _member(name: str, value: Any) -> Any:
    return MASK if value is not None and _names_a_secret(name) else masked(value)
