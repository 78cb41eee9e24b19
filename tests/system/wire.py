"""Exchange of requests on bare streams: a load has to cost less than what it loads."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

LARGEST_ANSWER = 16 * 1024 * 1024
KEPT = 20
"""Connections that are kept for further requests; a client that needed more for a moment leaves the others."""


@dataclass(frozen=True)
class Answer:
    """An answer as it came; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Wire:
    """Connections to a service, each used by one request at a time; some are kept as long as both sides want.

    Args:
        base_url: Where the service is.
        address: The address of this machine that connections come from.
    """

    base_url: str
    address: str = "127.0.0.1"
    _idle: deque[_Connection] = field(default_factory=deque)

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send a request, and return its answer, whatever it is.

        Raises:
            OSError, EOFError: where the connection is refused or ends before the answer has.
        """
        reader, writer = self._take() or await self.connect()
        try:
            writer.write(self._request(method, path, headers, body))
            answer = await _answer(reader)
        except BaseException:
            writer.close()
            raise
        if answer.headers.get("connection") == "close" or len(self._idle) >= KEPT:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return answer

    async def connect(self) -> _Connection:
        """Open a connection that is the caller's."""
        parts = urlsplit(self.base_url)
        return await asyncio.open_connection(
            parts.hostname, parts.port, local_addr=(self.address, 0), limit=LARGEST_ANSWER
        )

    def close(self) -> None:
        """Close every connection that nobody uses."""
        while self._idle:
            self._idle.pop()[1].close()

    def _take(self) -> _Connection | None:
        """Return a connection that the service hasn't closed meanwhile."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and reader.exception() is None:
                return reader, writer
            writer.close()
        return None

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"host: {urlsplit(self.base_url).netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body and "content-type" not in headers:
            lines.append("content-type: application/json")
        if body:
            lines.append(f"content-length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def _answer(reader: asyncio.StreamReader) -> Answer:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split(" ", 2)[1]), headers, body)
