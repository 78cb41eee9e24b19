"""A request's body: bounded before it is read, JSON in one strict reading, valid by the contract, or an error."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import jsonschema_rs

from automation.contract.compiled.excerpts import Excerpts
from automation.contract.compiled.integers import Converter
from automation.contract.compiled.strict_json import kept, parsed, parsed_keeping
from automation.contract.compiled.violations import of_body
from automation.domain.errors import ContentTooLarge, InvalidBody, UnsupportedMediaType

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

MAX_BYTES = 64 * 1024
BODY_MEDIA_TYPE = "application/json"
PATCH_MEDIA_TYPE = "application/merge-patch+json"
"""What a patch is called (RFC 7396)."""


class BodyReader:
    """Reads the body of one operation.

    Args:
        required: Whether there must be one.
        max_bytes: How large it may be.
        validator: What it must be.
        excerpts: Made of what isn't that.
        integers: Makes integers of floats where the contract says so; None where it says it nowhere.
        opaque: The members that are kept as the text that they came as.
        media_type: What it is called, JSON in any case.
    """

    def __init__(
        self,
        *,
        required: bool,
        max_bytes: int,
        validator: jsonschema_rs.Draft202012Validator,
        excerpts: Excerpts,
        integers: Converter | None,
        opaque: Collection[str] = (),
        media_type: str = BODY_MEDIA_TYPE,
    ) -> None:
        self._media_type = media_type
        self._required = required
        self._max_bytes = max_bytes
        self._validator = validator
        self._excerpts = excerpts
        self._integers = integers
        self._opaque = opaque

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
        _require_json(headers, self._media_type)
        value, texts = parsed_keeping(content, self._opaque) if self._opaque else (parsed(content), {})
        if not self._validator.is_valid(value):
            raise InvalidBody(violations=of_body(self._excerpts.errors(self._validator, value)))
        if self._integers is not None:
            value = self._integers(value)
        return {**value, **{name: kept(value[name], text) for name, text in texts.items()}} if texts else value

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


def _declared_length(headers: Mapping[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"")
    return int(declared[:20]) if declared.isdigit() else 0  # more digits than that say no less


def _require_json(headers: Mapping[bytes, bytes], expected: str) -> None:
    media_type, *settings = headers.get(b"content-type", b"").decode("latin-1").lower().split(";")
    charsets = {setting.strip().replace('"', "") for setting in settings} - {""}
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in {b"", b"identity"}:
        raise _unsupported(expected, {"Accept-Encoding": "identity"})
    if media_type.strip() != expected or charsets - {"charset=utf-8"}:
        patched = {"Accept-Patch": expected} if expected == PATCH_MEDIA_TYPE else {}
        raise _unsupported(expected, {"Accept": expected, **patched})


def _unsupported(expected: str, headers: Mapping[str, str]) -> UnsupportedMediaType:
    """Return the refusal that names what would be taken (RFC 9110, section 15.5.16)."""
    detail = f"The body must be JSON in UTF-8: Content-Type {expected}, not compressed."
    return UnsupportedMediaType(detail, headers=headers)
