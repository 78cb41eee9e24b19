"""Cursors: signed positions in lists, made and read here alone (decision 19).

A cursor is base64url of: a version, the id of the key that signed it, a direction, a position, and the signature. What
it was made for (tenant, list, sort, filters) is signed and not carried, so a cursor is worth nothing elsewhere.
"""

import hashlib
import hmac
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from automation.contract.compiled.parameters import written
from automation.domain.errors import InvalidCursor
from automation.domain.pages import Cursor, Position

VERSION = 1
SIGNATURE_BYTES = 16
LONGEST = 128
"""How many characters a cursor has at the most, with room for another version of it."""

_BACKWARD, _INCLUSIVE = 1, 2
# Direction, number, identifier.
_place = struct.Struct(">Bq16s")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a cursor is made for: one tenant's list, in one order, with some filters.

    ``filters`` are by the handler's names; None is none, and the order of several values means nothing. What narrows
    the list otherwise, such as the resource that it belongs to, is one of them.
    """

    tenant: UUID
    operation_id: str
    sort: str
    filters: Mapping[str, Any]

    def canonical(self) -> bytes:
        """Return its one written form."""
        filters = {name: _canonical(value) for name, value in self.filters.items() if value is not None}
        parts = [str(self.tenant), self.operation_id, self.sort, filters]
        return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)


class Cursors:
    """Makes and reads cursors.

    Args:
        keys: The keys by their ids: the first one signs, all are accepted, so that a rotation breaks no page.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {name.encode("ascii"): secret.encode() for name, secret in keys.items()}
        self._signing = next(iter(self._keys))
        self.fingerprint = hashlib.sha256(self._signing + b":" + self._keys[self._signing]).digest()
        """Tells which key signs, and nothing of it."""

    def written(self, cursor: Cursor, listing: Listing) -> str:
        """Return a cursor's text, which is good for this listing alone."""
        direction = _BACKWARD * cursor.backward | _INCLUSIVE * cursor.inclusive
        place = _place.pack(direction, cursor.position.number, cursor.position.id.bytes)
        content = bytes((VERSION, len(self._signing))) + self._signing + place
        return urlsafe_b64encode(content + self._signature(self._signing, content, listing)).rstrip(b"=").decode()

    def read(self, text: str, listing: Listing) -> Cursor:
        """Return the cursor that a text is.

        Raises:
            InvalidCursor: It was not made for this listing, by a key that is in use; whatever the reason.
        """
        raw = _decoded(text)
        content, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
        if len(content) < _place.size or content[0] != VERSION:
            raise InvalidCursor
        key, place = content[2 : -_place.size], content[-_place.size :]
        if len(key) != content[1] or key not in self._keys:
            raise InvalidCursor
        if not hmac.compare_digest(signature, self._signature(key, content, listing)):
            raise InvalidCursor
        direction, number, identifier = _place.unpack(place)
        return Cursor(
            Position(number, UUID(bytes=identifier)),
            backward=bool(direction & _BACKWARD),
            inclusive=bool(direction & _INCLUSIVE),
        )

    def _signature(self, key: bytes, content: bytes, listing: Listing) -> bytes:
        return hmac.digest(self._keys[key], content + listing.canonical(), hashlib.sha256)[:SIGNATURE_BYTES]


def passing_keys() -> str:
    """Return keys as their setting has them: a new one, for a service that was given none."""
    return f"passing:{secrets.token_urlsafe(32)}"


def _decoded(text: str) -> bytes:
    """Return a text's bytes; none for a text in any other than the one form that they have."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == text else b""


def _canonical(value: Any) -> Any:
    return sorted({written(item) for item in value}) if isinstance(value, list | tuple) else written(value)
