"""Reads a webhook's response without letting it grow: the cap is on decoded bytes, so that no bomb goes off."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

import httpx
import orjson

from automation.engine.actions.content_coding import decoder

_SHOWN_HEADERS = ("content-type", "location")
_CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252"})


@dataclass(frozen=True, slots=True)
class Body:
    """The beginning of a response's body, decoded; ``truncated`` tells that there was more."""

    content: bytes
    truncated: bool


async def read(response: httpx.Response, limit: int) -> Body:
    """Return at most ``limit`` decoded bytes of a response's body, and read no more than that needs.

    Raises:
        Undecodable: It can't be decoded, or ends before its encoding does.
    """
    decoding = decoder(response.headers.get("content-encoding", ""))
    content = bytearray()
    async for chunk in _chunks(response):
        content += decoding.feed(chunk, limit + 1 - len(content))
        if len(content) > limit:
            return Body(bytes(content[:limit]), truncated=True)
    decoding.finish()
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
