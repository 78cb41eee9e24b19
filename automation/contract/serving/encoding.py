"""Turns what a handler returns into a response's bytes and headers, as the contract has them for its status."""

from collections.abc import Mapping
from typing import Any

import orjson

from automation.contract.compiled.operations import Operation
from automation.contract.compiled.responses import is_json


class Encoding:
    """How the values of one response become bytes, and the headers that go with them."""

    def __init__(self, operation: Operation, status: int) -> None:
        self.status = status
        self._media_type = next(iter(operation.responses[status].get("content", {})), None)
        self._json = self._media_type is not None and is_json(self._media_type)
        self._fixed = [] if self._media_type is None else [(b"content-type", _content_type(self._media_type))]
        self._vary = operation.vary
        self._public = operation.public
        always = [*self._fixed, *([(b"vary", operation.vary.encode())] if operation.vary else [])]
        self._usual = [*always, (b"cache-control", b"no-store" if operation.public else b"private, no-store")]
        self._revalidated = [*always, (b"cache-control", b"no-cache" if operation.public else b"private, no-cache")]

    def encode(self, value: Any) -> bytes:
        """Return a value's bytes.

        Raises:
            TypeError: It has no form in the response's media type.
        """
        if isinstance(value, bytes):
            return value
        if self._json:
            return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)
        if value is None and self._media_type is None:
            return b""
        if isinstance(value, str):
            return value.encode()
        raise TypeError(type(value).__name__)

    def headers(self, own: Mapping[str, str], etag: str | None, body: bytes) -> list[tuple[bytes, bytes]]:
        """Return all headers of a response: the handler's own, and those that the contract has for its caches.

        A tenant's data never leaves for shared caches, whatever a handler says; with an ETag it may be kept by the
        client, and asked for again.
        """
        length = [] if self._media_type is None else [(b"content-length", b"%d" % len(body))]
        if own:
            return self._own(own, etag) + length
        return self._usual + length if etag is None else [*self._revalidated, (b"etag", etag.encode()), *length]

    def _own(self, own: Mapping[str, str], etag: str | None) -> list[tuple[bytes, bytes]]:
        headers = {name.lower(): value for name, value in own.items()} | ({} if etag is None else {"etag": etag})
        if self._public:
            headers.setdefault("cache-control", "no-store")
        else:
            headers["cache-control"] = "private, no-cache" if "etag" in headers else "private, no-store"
            headers["vary"] = ", ".join(filter(None, (self._vary, headers.get("vary"))))
        fixed = self._fixed if "content-type" not in headers else []
        return [*fixed, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())]


def _content_type(media_type: str) -> bytes:
    return f"{media_type}; charset=utf-8".encode() if media_type.startswith("text/") else media_type.encode()


def _plain(value: object) -> object:
    """Return what orjson knows in the place of what it doesn't: read-only mappings and sets of values."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(type(value).__name__)
