"""A request's body: bounded before it is read, JSON in one strict reading, valid by the contract, or an error.

orjson is strict about grammar, UTF-8, lone surrogates, NaN and numbers that no double holds. What it lets pass is
looked for here: keys given twice, U+0000, depth, and integers beyond 64 bits, which it would silently round.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs
import orjson

from automation.contract.compiled.excerpts import Excerpts
from automation.contract.compiled.integers import Converter
from automation.contract.compiled.scalars import LARGEST_INTEGER, SMALLEST_INTEGER
from automation.contract.compiled.violations import of_body
from automation.domain.errors import ContentTooLarge, InvalidBody, UnsupportedMediaType

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
BODY_MEDIA_TYPE = "application/json"
LONGEST_INTEGER = len(str(SMALLEST_INTEGER))


class BodyReader:
    """Reads the body of one operation.

    Args:
        required: Whether there must be one.
        max_bytes: How large it may be.
        validator: What it must be.
        excerpts: Made of what isn't that.
        integers: Makes integers of floats where the contract says so; None where it says it nowhere.
    """

    def __init__(
        self,
        *,
        required: bool,
        max_bytes: int,
        validator: jsonschema_rs.Draft202012Validator,
        excerpts: Excerpts,
        integers: Converter | None,
    ) -> None:
        self._required = required
        self._max_bytes = max_bytes
        self._validator = validator
        self._excerpts = excerpts
        self._integers = integers

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive) -> Any:
        """Return the body's validated value; None for an optional one that isn't there.

        Raises:
            ContentTooLarge: It is larger than the operation takes; it was not read further than that.
            UnsupportedMediaType: It is not called JSON in UTF-8, uncompressed.
            InvalidBody: It is missing, not strict JSON, or not what the contract asks for.
        """
        self._refuse_beyond(_declared_length(headers))
        content = await self._content(receive)
        if not content and not self._required:
            return None
        if not content:
            raise InvalidBody("This operation requires a body.")
        _require_json(headers)
        value = parsed(content)
        if not self._validator.is_valid(value):
            raise InvalidBody(violations=of_body(self._excerpts.errors(self._validator, value)))
        return value if self._integers is None else self._integers(value)

    async def _content(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise InvalidBody("The connection was closed before the body's end.")
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            self._refuse_beyond(size)
            chunks.append(chunk)
        return b"".join(chunks)

    def _refuse_beyond(self, size: int) -> None:
        if size > self._max_bytes:
            raise ContentTooLarge(f"The body may have at most {self._max_bytes} bytes.")


def parsed(content: bytes) -> Any:
    """Return the one value that strict JSON has.

    Raises:
        InvalidBody: It isn't strict JSON, or deeper than ``MAX_DEPTH``.
    """
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidBody("The body is not valid JSON.") from error
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH:
        _refuse_depth(value)
    _refuse_loss(content)
    if b"\\u0000" in content and any("\0" in text for text in _texts(value)):
        raise InvalidBody("A string in the body contains U+0000.")
    return value


def _declared_length(headers: Mapping[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"")
    return int(declared[:20]) if declared.isdigit() else 0  # more digits than that say no less


def _require_json(headers: Mapping[bytes, bytes]) -> None:
    media_type, *settings = headers.get(b"content-type", b"").decode("latin-1").lower().split(";")
    charsets = {setting.strip().replace('"', "") for setting in settings} - {""}
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if media_type.strip() != BODY_MEDIA_TYPE or charsets - {"charset=utf-8"} or encoding not in {b"", b"identity"}:
        raise UnsupportedMediaType


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


def _refuse_loss(content: bytes) -> None:
    """Read the text a second time for what the first reading lost: keys given twice and digits of integers."""
    json.loads(content, object_pairs_hook=_refuse_duplicates, parse_int=_refuse_large)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) > 1 and len(dict(pairs)) < len(pairs):
        raise InvalidBody("An object in the body has a member twice.")


def _refuse_large(digits: str) -> None:
    if len(digits) > LONGEST_INTEGER or not SMALLEST_INTEGER <= int(digits) <= LARGEST_INTEGER:
        raise InvalidBody("An integer in the body does not fit into 64 bits.")


def _members(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            yield from node
        waiting.extend(_members(node))
