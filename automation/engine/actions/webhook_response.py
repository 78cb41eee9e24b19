"""Reads a webhook's response up to a limit of decoded bytes, which bounds compressed responses too."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from automation.engine.actions.content_coding import Undecodable, decoder

_SHOWN_HEADERS = ("content-type", "location", "retry-after", "link", "etag")
_SHOWN_PREFIX = "x-ratelimit-"
_LONGEST_HEADER = 1000
_MOST_HEADERS = 20

REASON_BYTES = 4 * 1024
"""Bytes of the body that are kept of an answer with an unexpected status: its reason, in most cases."""

MORE_CODED = 64 * 1024
"""Bytes that a body may be larger as it is encoded than it may be decoded: what decodes to nothing costs time, too."""

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
    coded = 0
    async for chunk in _chunks(response):
        coded += len(chunk)
        if coded > limit + MORE_CODED:
            raise Undecodable("it is larger as it is encoded than it may be decoded")
        content += decoding.feed(chunk, limit + 1 - len(content))
        if len(content) > limit:
            return Body(bytes(content[:limit]), truncated=True)
    decoding.finish()
    return Body(bytes(content), truncated=False)


def result(response: httpx.Response, body: Body) -> dict[str, Any]:
    """Return what is kept of a response as it came: as in ``output``, with the text of a body that is JSON."""
    shown = output(response, body)
    if not isinstance(shown["body"], str | None):
        shown["body"] = orjson.Fragment(body.content)
    return shown


def output(response: httpx.Response, body: Body) -> dict[str, Any]:
    """Return what later actions see of a response: status, some headers, and the body as JSON where it is JSON."""
    return {
        "status": response.status_code,
        "headers": _shown(response.headers),
        "body": _parsed(response.headers, body),
        "truncated": body.truncated,
    }


async def reason(response: httpx.Response) -> dict[str, Any]:
    """Return what is kept of an answer with an unexpected status: as in ``output``, with the beginning of its body."""
    try:
        body = await read(response, REASON_BYTES)
    except (Undecodable, httpx.TransportError):
        body = Body(b"", truncated=True)
    return output(response, body)


def retry_after(response: httpx.Response) -> float:
    """Return the seconds that an answer's ``Retry-After`` asks for (RFC 9110, 10.2.3); 0 without a valid one."""
    written = response.headers.get("retry-after", "").strip()
    if written.isascii() and written.isdigit():
        return float(written[:9])
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return 0.0
    # A date of HTTP is in GMT; one that says -0000 is read without a time zone.
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _shown(headers: httpx.Headers) -> dict[str, str]:
    names = [name for name in headers if name in _SHOWN_HEADERS or name.startswith(_SHOWN_PREFIX)]
    return {name: headers[name][:_LONGEST_HEADER] for name in names[:_MOST_HEADERS]}


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
