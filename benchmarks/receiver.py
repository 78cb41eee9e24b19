"""A receiver of webhooks on loopback that does nothing but note when each call came."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator

_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Receiver:
    """Answers calls, at once, after so many seconds, or never, and notes when each execution's came.

    A connection is kept for more calls, unless the client says that it wants no more of them.
    """

    def __init__(self, seconds: float | None = 0.0) -> None:
        self._seconds = seconds
        self.arrivals: dict[str, float] = {}
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the calls of a connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one call, and say whether there may be another."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.arrivals.setdefault(head.split(b" ", 2)[1].decode().lstrip("/"), time.perf_counter())
        if length := _LENGTH.search(head):
            await reader.readexactly(int(length[1]))
        if self._seconds != 0:
            await (reader.read() if self._seconds is None else asyncio.sleep(self._seconds))
        writer.write(_RESPONSE)
        await writer.drain()
        return _CLOSE.search(head) is None


@contextlib.asynccontextmanager
async def receiving(seconds: float | None = 0.0) -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver(seconds)
    listener = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = listener.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        listener.close()
