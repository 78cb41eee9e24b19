"""A request's body: bounded before it is read, JSON in one strict reading, valid by the contract, or an error."""

from collections.abc import Collection, Mapping
from typing import Any

import jsonschema_rs

from automation.contract.compiled.body_bytes import Receive, Turn, body_bytes
from automation.contract.compiled.excerpts import Excerpts
from automation.contract.compiled.integers import Converter
from automation.contract.compiled.media_types import is_compressed, media_type_in_utf8, refusal
from automation.contract.compiled.strict_json import kept, parsed, parsed_keeping
from automation.contract.compiled.violations import of_body
from automation.domain.errors import InvalidBody, UnsupportedMediaType

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

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive, turn: Turn) -> Any:
        """Return the body's validated value; None for an optional one that isn't there.

        Args:
            headers: The request's, by their names in lower case.
            receive: Gives the parts of the body.
            turn: Waited for between the receiving of the whole body and its reading.

        Raises:
            ContentTooLarge: It is larger than the operation takes; it was not read further than that.
            UnsupportedMediaType: It is not called JSON in UTF-8, uncompressed.
            InvalidBody: It is missing, not strict JSON, or not what the contract asks for.
        """
        content = await body_bytes(headers, receive, self._max_bytes, required=self._required)
        if not content:
            return None
        await turn()
        _require_json(headers, self._media_type)
        value, texts = parsed_keeping(content, self._opaque) if self._opaque else (parsed(content), {})
        if not self._validator.is_valid(value):
            raise InvalidBody(violations=of_body(self._excerpts.errors(self._validator, value), self._excerpts.schema))
        if self._integers is not None:
            value = self._integers(value)
        return {**value, **{name: kept(value[name], text) for name, text in texts.items()}} if texts else value


def _require_json(headers: Mapping[bytes, bytes], expected: str) -> None:
    if is_compressed(headers):
        raise _unsupported(headers, expected, {"Accept-Encoding": "identity"})
    if media_type_in_utf8(headers) != expected:
        patched = {"Accept-Patch": expected} if expected == PATCH_MEDIA_TYPE else {}
        raise _unsupported(headers, expected, {"Accept": expected, **patched})


def _unsupported(given: Mapping[bytes, bytes], expected: str, headers: Mapping[str, str]) -> UnsupportedMediaType:
    """Return the refusal that names what would be taken (RFC 9110, section 15.5.16)."""
    detail = f"The body must be JSON in UTF-8: Content-Type {expected}, not compressed."
    return UnsupportedMediaType(refusal(given, detail), headers=headers)
