"""Strict JSON of requests: read in one way only, within 64 levels and 50,000 values, and nothing of it lost.

orjson is strict about grammar, UTF-8, lone surrogates, NaN and numbers that no double holds. What it lets pass is
looked for here: keys given twice, U+0000, depth, and integers beyond 64 bits, which it would silently round. Members
that the contract calls opaque may have the latter: they are kept as the text that they came as. That takes calls for
each value, while others wait: how many there are is counted first, at the pace of a copy.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from automation.contract.compiled.formats import FORMATS
from automation.contract.compiled.json_places import of_integer, of_nul, of_repeated_member
from automation.contract.compiled.scalars import LARGEST_INTEGER, SMALLEST_INTEGER
from automation.contract.compiled.violations import of_whole
from automation.domain.errors import InvalidBody, Violation
from automation.domain.opaque import Opaque

MAX_DEPTH = 64
MOST_VALUES = 50_000
"""Members and elements of a body, with itself; one of 64 KiB can't have more."""
LONGEST_INTEGER = len(str(SMALLEST_INTEGER))


class _Twice(Exception):
    """An object has a member twice."""


class _Large(Exception):
    """An integer does not fit into 64 bits."""


_BETWEEN = b" \t\n\r"
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# Also one that has no end: whatever a body is, each of its bytes is looked at once.
_string = re.compile(rb'(?s)"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)')
_space = re.compile(r"[ \t\n\r]*").match


def parsed(content: bytes) -> Any:
    """Return the one value that strict JSON has.

    Raises:
        InvalidBody: It isn't strict JSON, deeper than ``MAX_DEPTH``, or of more than ``MOST_VALUES`` values.
    """
    value = _read(content)
    try:
        json.loads(content, object_pairs_hook=_refuse_duplicates, parse_int=_refuse_large)
    except (_Twice, _Large) as refusal:
        raise _located(refusal, content) from None
    if b"\\u0000" in content:
        _refuse_nul(value, content)
    return value


def parsed_keeping(content: bytes, opaque: Collection[str]) -> tuple[Any, Mapping[str, str]]:
    """Return the one value that strict JSON has, and the texts of the opaque members of the object that it is.

    Raises:
        InvalidBody: It isn't strict JSON, deeper than ``MAX_DEPTH``, or of more than ``MOST_VALUES`` values.
    """
    value = _read(content)
    if not isinstance(value, dict) or value.keys().isdisjoint(opaque):
        return parsed(content), {}
    text = content.decode()
    try:
        members = dict(_refuse_duplicates([*_members(text, opaque)]))
    except (_Twice, _Large) as refusal:
        raise _located(refusal, content, opaque) from None
    if b"\\u0000" in content:
        _refuse_nul({name: member for name, member in value.items() if name not in opaque}, content, opaque)
    return value, {name: text[start:end] for name, (start, end) in members.items() if name in opaque}


def parsed_opaque(content: bytes) -> tuple[Any, str]:
    """Return the one value that strict JSON has, of which nothing is looked at, and the text that it is kept as.

    Raises:
        InvalidBody: It isn't strict JSON, deeper than ``MAX_DEPTH``, or of more than ``MOST_VALUES`` values.
    """
    value, text = _read(content), content.decode()
    # Of members that are given twice the value has one: written again it has fewer, and none of them costs a call.
    if b"{" in content and _values(_bare(orjson.dumps(value))) < _values(_bare(content)):
        raise _located(_Twice(), content)
    return (_without_nul(value) if "\\u0000" in text else value), text


def parsed_items(content: bytes) -> Iterator[tuple[Any, str]]:
    """Yield the items of the array that strict JSON has, each as ``parsed_opaque`` returns a value.

    Of what nobody takes any more nothing is read twice.

    Raises:
        InvalidBody: It isn't strict JSON, deeper than ``MAX_DEPTH``, of more than ``MOST_VALUES`` values, or no array.
    """
    if not isinstance(_read(content), list):
        raise of_whole("The body is no array.", "must be an array")
    text = content.decode()
    at = _after_space(text, _after_space(text, 0) + 1)
    keeping = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_int=str)
    while text[at] != "]":
        try:
            _, end = keeping.raw_decode(text, at)
        except _Twice as refusal:
            raise _located(refusal, content) from None
        value = orjson.loads(text[at:end])
        yield (_without_nul(value) if "\\u0000" in text[at:end] else value), text[at:end]
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def kept(value: dict[str, Any], text: str) -> Opaque:
    """Return an opaque member's valid value with its text."""
    return Opaque(_without_nul(value) if "\\u0000" in text else value, text)


def _read(content: bytes) -> Any:
    opened = content.count(b"[") + content.count(b"{")
    if opened + content.count(b",") >= MOST_VALUES and _values(_bare(content)) > MOST_VALUES:
        raise of_whole(f"The body has more than {MOST_VALUES} values.", f"must have at most {MOST_VALUES} values")
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _unreadable(content, error) from error
    if opened > MAX_DEPTH:
        _refuse_depth(_bare(content))
    return value


def _bare(content: bytes) -> bytes:
    """Return JSON without whitespace, each of its strings as one character."""
    return _string.sub(b"0", content).translate(None, _BETWEEN)


def _values(bare: bytes) -> int:
    """Count the values of JSON, also of members that are given twice: all that isn't empty has one more than commas."""
    return 1 + sum(map(bare.count, (b",", b"[", b"{"))) - bare.count(b"[]") - bare.count(b"{}")


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


def _refuse_depth(bare: bytes) -> None:
    """Refuse what is nested too deep: each turn takes away what has nothing within, so a level of all there is."""
    brackets = bare.translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return
    raise of_whole(f"The body is nested deeper than {MAX_DEPTH} levels.", f"is nested deeper than {MAX_DEPTH} levels")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
        raise _Twice
    return pairs


def _refuse_large(digits: str) -> None:
    if _is_large(digits):
        raise _Large


def _is_large(digits: str) -> bool:
    return len(digits) > LONGEST_INTEGER or not SMALLEST_INTEGER <= int(digits) <= LARGEST_INTEGER


def _refuse_nul(value: Any, content: bytes, opaque: Collection[str] = ()) -> None:
    if any("\0" in text for text in _texts(value)):
        violation = Violation("must not contain U+0000", pointer=of_nul(content, opaque))
        raise InvalidBody("A string in the body contains U+0000.", violations=[violation])


def _located(refusal: _Twice | _Large, content: bytes, opaque: Collection[str] = ()) -> InvalidBody:
    if isinstance(refusal, _Twice):
        violation = Violation("is given more than once", pointer=of_repeated_member(content))
        return InvalidBody("An object in the body has a member twice.", violations=[violation])
    violation = Violation(FORMATS["int64"].words, pointer=of_integer(content, _is_large, opaque))
    return InvalidBody("An integer in the body does not fit into 64 bits.", violations=[violation])


def _unreadable(content: bytes, error: orjson.JSONDecodeError) -> InvalidBody:
    """Return the error that says where content stops to be JSON, or UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as at:
        before = content[: at.start].decode().split("\n")
        return _unlike("UTF-8", len(before), len(before[-1]) + 1)
    return _unlike("valid JSON", error.lineno, error.colno)


def _unlike(what: str, line: int, column: int) -> InvalidBody:
    place = f"line {line}, column {column}"
    return of_whole(f"The body is not {what}: {place}.", f"is not {what} at {place}")


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
