"""Requests at a fixed rate, whatever the answers: a client that waits for each answer would hide a hang.

Written on bare streams: it has to cost less than what it loads.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LONGEST_ANSWER = 10.0
"""Seconds after which a request is given up."""

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class OpenLoop:
    """Sends one request over and over.

    Args:
        base_url: Where the service is.
        path: What is asked for.
        headers: The request's.
        rate: How many requests a second are sent.
    """

    base_url: str
    path: str
    headers: Mapping[str, str]
    rate: float
    outcomes: Counter[int | None] = field(default_factory=Counter)
    """How often each status was seen; None is no answer in time."""
    _idle: deque[_Connection] = field(default_factory=deque)

    async def run(self, seconds: float) -> None:
        """Send requests for so long, and wait until each is answered or given up."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * self.rate)):
                await asyncio.sleep(began + number / self.rate - time.monotonic())
                group.create_task(self._ask())
        for _, writer in self._idle:
            writer.close()

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_ANSWER):
                reader, writer = self._idle.pop() if self._idle else await self._connect()
                try:
                    writer.write(self._request())
                    self.outcomes[await _status(reader)] += 1
                except BaseException:
                    writer.close()
                    raise
                self._idle.append((reader, writer))
        except (TimeoutError, OSError, EOFError):
            self.outcomes[None] += 1

    async def _connect(self) -> _Connection:
        parts = urlsplit(self.base_url)
        return await asyncio.open_connection(parts.hostname, parts.port)

    def _request(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", f"host: {urlsplit(self.base_url).netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, length = head.partition(b"content-length: ")
    await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
    return int(head.split(b" ", 2)[1])
