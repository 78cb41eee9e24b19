"""One request and its answer, by uvicorn, with the usual head of an answer made in one go."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

Fields = Iterable[tuple[bytes, bytes]]

_LENGTH = b"content-length"
_BODILESS = frozenset({204, 304})
"""Statuses of answers that have no body, nor tell its length."""
# Names of fields that say nothing of the connection or of where the body ends, as the service writes them.
_USUAL = frozenset(
    {
        *(b"cache-control", b"content-type", b"date", b"etag", b"link", b"location", b"ratelimit", b"ratelimit-policy"),
        *(b"retry-after", b"vary", b"www-authenticate", b"x-content-type-options", b"x-request-id", _LENGTH),
    }
)
# What a field's value may be made of (RFC 9110, section 5.5).
_OF_VALUES = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])


class Cycle(RequestResponseCycle):
    """A request and its answer; whatever is not usual about that is left to uvicorn."""

    async def send(self, message: "ASGISendEvent") -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start" and self._is_usual():
            head = self._head(message["status"], [*self.default_headers, *message.get("headers", ())])
            if head is not None:
                self.response_started = True
                self.waiting_for_100_continue = False
                self.transport.write(head)
                return
        await super().send(message)

    def _is_usual(self) -> bool:
        return self.keep_alive and not (
            self.response_started or self.disconnected or self.access_log or self.flow.write_paused
        )

    def _head(self, status: int, fields: Fields) -> bytes | None:
        """Return the head of an answer, None where a field is not usual, or the body's length isn't told once."""
        parts = [STATUS_LINE[status]]
        length = None
        for name, value in fields:
            if name not in _USUAL or (name == _LENGTH and length is not None):
                return None
            if name == _LENGTH:
                length = value
            parts += name, b": ", value, b"\r\n"
        if (length is None and status not in _BODILESS) or (length is not None and not length.isdigit()):
            return None
        parts.append(b"\r\n")
        head = b"".join(parts)
        # No value may end its line: there are as many ends as lines.
        if head.translate(None, _OF_VALUES) != b"\r\n" * (len(parts) // 4 + 2):
            return None
        if length is not None:
            self.expected_content_length = int(length)
        return head
