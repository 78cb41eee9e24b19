"""Strict JSON of requests: read in one way only, within 64 levels, and nothing of it lost.

orjson is strict about grammar, UTF-8, lone surrogates, NaN and numbers that no double holds. What it lets pass is
looked for here: keys given twice, U+0000, depth, and integers beyond 64 bits, which it would silently round. Members
that the contract calls opaque may have the latter: they are kept as the text that they came as.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from automation.contract.compiled.scalars import LARGEST_INTEGER, SMALLEST_INTEGER
from automation.domain.errors import InvalidBody
from automation.domain.opaque import Opaque

MAX_DEPTH = 64
LONGEST_INTEGER = len(str(SMALLEST_INTEGER))

_space = re.compile(r"[ \t\n\r]*").match


def parsed(content: bytes) -> Any:
    """Return the one value that strict JSON has.

    Raises:
        InvalidBody: It isn't strict JSON, or deeper than ``MAX_DEPTH``.
    """
    value = _read(content)
    json.loads(content, object_pairs_hook=_refuse_duplicates, parse_int=_refuse_large)
    if b"\\u0000" in content:
        _refuse_nul(value)
    return value


def parsed_keeping(content: bytes, opaque: Collection[str]) -> tuple[Any, Mapping[str, str]]:
    """Return the one value that strict JSON has, and the texts of the opaque members of the object that it is.

    Raises:
        InvalidBody: It isn't strict JSON, or deeper than ``MAX_DEPTH``.
    """
    value = _read(content)
    if not isinstance(value, dict) or value.keys().isdisjoint(opaque):
        return parsed(content), {}
    text = content.decode()
    members = dict(_refuse_duplicates([*_members(text, opaque)]))
    if b"\\u0000" in content:
        _refuse_nul({name: member for name, member in value.items() if name not in opaque})
    return value, {name: text[start:end] for name, (start, end) in members.items() if name in opaque}


def kept(value: dict[str, Any], text: str) -> Opaque:
    """Return an opaque member's valid value with its text."""
    return Opaque(_without_nul(value) if "\\u0000" in text else value, text)


def _read(content: bytes) -> Any:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidBody("The body is not valid JSON.") from error
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH:
        _refuse_depth(value)
    return value


def _members(text: str, opaque: Collection[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Read the members of an object a second time, for what the first reading lost, and yield where each stands."""
    keeping = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_int=str)
    losing = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_int=_refuse_large)
    at = _after_space(text, _after_space(text, 0) + 1)
    while text[at] != "}":
        name, at = losing.raw_decode(text, at)
        start = _after_space(text, _after_space(text, at) + 1)
        _, end = (keeping if name in opaque else losing).raw_decode(text, start)
        yield name, (start, end)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _space(text, at)
    return at if found is None else found.end()


def _refuse_depth(value: Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise InvalidBody(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
        raise InvalidBody("An object in the body has a member twice.")
    return pairs


def _refuse_large(digits: str) -> None:
    if len(digits) > LONGEST_INTEGER or not SMALLEST_INTEGER <= int(digits) <= LARGEST_INTEGER:
        raise InvalidBody("An integer in the body does not fit into 64 bits.")


def _refuse_nul(value: Any) -> None:
    if any("\0" in text for text in _texts(value)):
        raise InvalidBody("A string in the body contains U+0000.")


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(child) for child in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(child) for name, child in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            yield from node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
