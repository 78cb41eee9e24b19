"""A connection's writes, joined: a response's head and body leave in one piece, which halves the work of sending it."""

import asyncio
from typing import Any

LIMIT = 64 * 1024
"""How many bytes wait for more at the most."""


class JoinedWrites:
    """A transport that sends what was written during one turn of the event loop at once.

    Args:
        transport: The connection's own.
        loop: Its event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data at the end of this turn, together with what follows."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= LIMIT:
            self._flush()

    def write_eof(self) -> None:
        """Send everything, and that nothing follows."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Send everything, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces:
            pieces, self._pieces, self._size = self._pieces, [], 0
            self._transport.write(b"".join(pieces))
