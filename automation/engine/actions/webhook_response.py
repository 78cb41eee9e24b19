"""Reads a webhook's response without letting it grow: the cap is on decoded bytes, so that no bomb goes off."""

import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

import httpx
import orjson

_SHOWN_HEADERS = ("content-type", "location")
_CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252"})

# A header of zlib or gzip is recognised by itself.
_ANY_HEADER = zlib.MAX_WBITS | 32

Decode = Callable[[bytes, int], bytes]


class Undecodable(Exception):
    """The body has a content encoding that wasn't asked for, or isn't encoded as it says."""


@dataclass(frozen=True, slots=True)
class Body:
    """The beginning of a response's body, decoded; ``truncated`` tells that there was more."""

    content: bytes
    truncated: bool


async def read(response: httpx.Response, limit: int) -> Body:
    """Return at most ``limit`` decoded bytes of a response's body, and read no more than that needs.

    Raises:
        Undecodable: It can't be decoded.
    """
    decode = _decoder(response.headers.get("content-encoding", "identity"))
    content = bytearray()
    async for chunk in _chunks(response):
        content += decode(chunk, limit + 1 - len(content))
        if len(content) > limit:
            return Body(bytes(content[:limit]), truncated=True)
    return Body(bytes(content), truncated=False)


def output(response: httpx.Response, body: Body) -> dict[str, Any]:
    """Return what later actions see of a response: status, some headers, and the body as JSON where it is JSON."""
    return {
        "status": response.status_code,
        "headers": {name: response.headers[name] for name in _SHOWN_HEADERS if name in response.headers},
        "body": _parsed(response.headers, body),
        "truncated": body.truncated,
    }


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_raw():
        if chunk:
            yield chunk


def _decoder(encoding: str) -> Decode:
    match encoding.strip().lower():
        case "identity" | "":
            return lambda chunk, limit: chunk[:limit]
        case "gzip" | "x-gzip" | "deflate":
            return _inflater()
    raise Undecodable("it has a content encoding that was not asked for")


def _inflater() -> Decode:
    inflater = zlib.decompressobj(_ANY_HEADER)

    def inflate(chunk: bytes, limit: int) -> bytes:
        try:
            return inflater.decompress(chunk, limit)
        except zlib.error:
            raise Undecodable("it is not encoded as it says") from None

    return inflate


def _parsed(headers: Mapping[str, str], body: Body) -> Any:
    if not body.content:
        return None
    media_type = Message()
    media_type["content-type"] = headers.get("content-type", "")
    subtype = media_type.get_content_subtype()
    if (subtype == "json" or subtype.endswith("+json")) and not body.truncated:
        try:
            return orjson.loads(body.content)
        except orjson.JSONDecodeError:
            pass
    charset = media_type.get_content_charset("utf-8")
    return body.content.decode(charset if charset in _CHARSETS else "utf-8", errors="replace")
