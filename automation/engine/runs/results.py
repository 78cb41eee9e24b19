"""Results of a run's actions: what later actions and whoever reads the execution see, within a limit for all of them.

What goes beyond it is left out of the result that comes too late, member by member, the largest first, and the result
says so in its member ``_omitted``. Later actions see what is kept and nothing else: so they do after a worker's death.
"""

from collections.abc import Mapping
from typing import Any

from automation.storage.pool.encoding import encoded

OMITTED = "_omitted"
"""The member of a result that names those that were left out."""
EVERYTHING = "*"
"""Stands there where all were, and even their names were too long."""

RESERVED = 256
"""Bytes that are kept for each action to come: one that finds nothing else left can say so."""


class Results:
    """The results of one run, by the index of their actions.

    Args:
        stored: Those that the run had when it was claimed.
        actions: How many actions the rule has.
        most: Bytes of JSON that all have together at the most.
    """

    def __init__(self, stored: Mapping[int, Any], *, actions: int, most: int) -> None:
        self._results = dict(stored)
        self._actions = actions
        self._bytes = sum(_size(result) for result in stored.values())
        self.most = most

    def __getitem__(self, index: int) -> Any:
        return self._results[index]

    def all(self) -> Mapping[int, Any]:
        """Return what is kept."""
        return self._results

    def add(self, index: int, result: Mapping[str, Any]) -> tuple[str, ...]:
        """Keep as much of a result as there is room for, and return the names of what is left out."""
        reserved = RESERVED * (self._actions - index - 1)
        kept, omitted = fitted(result, self.most - self._bytes - reserved)
        self._results[index] = kept
        self._bytes += _size(kept)
        return omitted


def fitted(result: Mapping[str, Any], most: int) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return a result that has so many bytes at the most, and the names of its members that were left out for that."""
    size = _size(result)
    if size <= most:
        return result, ()
    kept, omitted = dict(result), []
    # Each member stands with its name, a colon and a comma; each name that was left out with a comma, but for the last.
    size += len(f'"{OMITTED}":[]')
    for name, share in sorted(_shares(result).items(), key=lambda member: -member[1]):
        del kept[name]
        omitted.append(name)
        size += _size(name) + 1 - share
        if size <= most:
            return {**kept, OMITTED: sorted(omitted)}, tuple(sorted(omitted))
    return {OMITTED: [EVERYTHING]}, (EVERYTHING,)


def _shares(result: Mapping[str, Any]) -> dict[str, int]:
    return {name: _size(name) + _size(value) + 2 for name, value in result.items()}


def _size(value: object) -> int:
    return len(encoded(value).encode())
