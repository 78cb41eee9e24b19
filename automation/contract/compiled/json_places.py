"""Places of what strict JSON refuses: looked for once it is refused, so that what is taken costs nothing more."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from automation.contract.compiled.violations import bounded
from automation.contract.document.references import pointer

LARGEST = 16 * 1024
"""Bytes of a body in which a place is looked for, in some milliseconds; a larger one is told of as a whole."""

_Path = tuple[str | int, ...]
_Named = tuple[str | int, Any]


class _Digits(str):
    """An integer as it is written."""

    __slots__ = ()


class _Members(list[tuple[str, Any]]):
    """The members of an object, those included that are given more than once."""

    __slots__ = ()


def of_repeated_member(content: bytes) -> str:
    """Return the JSON pointer of a member that JSON has more than once."""
    for path, members in _containers(content):
        seen: set[str | int] = set()
        for name, _ in members:
            if name in seen:
                return _pointer(*path, name)
            seen.add(name)
    return ""


def of_integer(content: bytes, is_wrong: Callable[[str], bool], opaque: Collection[str]) -> str:
    """Return the JSON pointer of an integer that is wrong.

    Args:
        content: JSON.
        is_wrong: Says that of an integer by its digits.
        opaque: The members of the whole in which none is wrong.
    """
    for path, members in _containers(content, opaque):
        for name, value in members:
            if isinstance(value, _Digits) and is_wrong(value):
                return _pointer(*path, name)
    return ""


def of_nul(content: bytes, opaque: Collection[str]) -> str:
    """Return the JSON pointer of a string that has a U+0000, or of an object that has it in a name."""
    for path, members in _containers(content, opaque):
        for name, value in members:
            if isinstance(name, str) and "\0" in name:
                return _pointer(*path)
            if isinstance(value, str) and "\0" in value:
                return _pointer(*path, name)
    return ""


def _pointer(*path: str | int) -> str:
    return bounded(pointer(*path))


def _containers(content: bytes, opaque: Collection[str] = ()) -> Iterator[tuple[_Path, Sequence[_Named]]]:
    """Yield the path of every object and array of JSON, outer ones first, with all that is in it."""
    if len(content) > LARGEST:
        return
    waiting: list[tuple[_Path, Any]] = [((), json.loads(content, object_pairs_hook=_Members, parse_int=_Digits))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, list):
            members: Sequence[_Named] = value if isinstance(value, _Members) else list(enumerate(value))
            if not path and opaque:
                members = [each for each in members if each[0] not in opaque]
            yield path, members
            waiting.extend(((*path, name), child) for name, child in members if isinstance(child, list))
