"""Walks through JSON values, schemas and documents among them, however deep they are."""

from collections.abc import Iterator, Mapping
from typing import Any

_ARRAYS = (list, tuple)


def nodes(value: Any) -> Iterator[Any]:
    """Yield a value and everything in it, in the order in which it is written."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Mapping):
            waiting.extend([*node.values()][::-1])
        elif isinstance(node, _ARRAYS):
            waiting.extend(node[::-1])
