"""Judges the form of a request that the parser takes, and tells what one is that it refuses (RFC 9110 and 9112)."""

import re
from collections.abc import Iterable

from automation.domain.errors import AutomationError, HttpVersionNotSupported, MalformedRequest, NotImplementedHere

Field = tuple[bytes, bytes]

JUDGED = frozenset({b"host", b"transfer-encoding"})
"""The fields, names in lower case, that a request's form depends on."""
USUAL_VERSION = "1.1"

_CHUNKED = b"chunked"

# Methods that are known although few are allowed (RFC 9110, section 9.3, and what was registered since).
_METHODS = frozenset({b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"QUERY", b"TRACE"})

_request_line = re.compile(
    rb"(?:\r?\n)*(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) [^ \r\n]+ HTTP/(?P<major>[0-9])\.[0-9]\r?\n"
).match


def require_understood(fields: Iterable[Field], version: str) -> None:
    """Return where a request's version and the coding of its transfer are among those that are understood.

    Args:
        fields: The request's ``Transfer-Encoding`` fields, and any others.
        version: The version of HTTP that it speaks, such as ``1.1``; a later 1.x is understood as that.

    Raises:
        HttpVersionNotSupported: It speaks another major version.
        MalformedRequest: It speaks HTTP/1.0, in which a transfer has no coding (RFC 9112, section 6.1), or the last
            coding is not that of chunks (section 6.3).
        NotImplementedHere: It is coded otherwise before (section 6.1).
    """
    if not version.startswith("1."):
        raise HttpVersionNotSupported
    lines = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    if lines and version == "1.0":
        raise MalformedRequest("HTTP/1.0 has no Transfer-Encoding.")
    *others, last = (coding.strip() for coding in (b",".join(lines) or _CHUNKED).split(b","))
    if last != _CHUNKED:
        raise MalformedRequest("Nobody can tell where the body ends: the last transfer coding must be chunked.")
    if others:
        raise NotImplementedHere("This server knows no other transfer coding than chunked.")


def refusal(begun: bytes) -> AutomationError:
    """Return what is wrong with a request that the parser refused, as far as its first line tells.

    Args:
        begun: What came of it first.
    """
    line = _request_line(begun)
    if line is None:
        return MalformedRequest()
    if line["major"] != b"1":
        return HttpVersionNotSupported()
    if line["method"] not in _METHODS:
        return NotImplementedHere("This server knows no such method.")
    return MalformedRequest()
