"""A connection's writes, joined: a response's head and body leave in one piece, which halves the work of sending it."""

import asyncio
from collections.abc import Iterable
from typing import Any

LIMIT = 64 * 1024
"""Tuned: bytes that wait for more at the most."""


class JoinedWrites:
    """A transport that sends what was written during one turn of the event loop in one piece, in the next turn.

    What still waits when the connection is lost or aborted is dropped.

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
        """Send the data in the next turn, together with what else is written in this one."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= LIMIT:
            self._flush()

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Send the pieces in their order, as ``write`` does."""
        for piece in pieces:
            self.write(piece)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are not sent yet, those that wait included."""
        return self._size + self._transport.get_write_buffer_size()

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
            if not self._transport.is_closing():  # uvloop raises where the connection is lost already
                self._transport.write(b"".join(pieces))
