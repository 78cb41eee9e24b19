"""Gathers the lines that come with every request, so that many of them leave in one write.

A line leaves within a twentieth of a second, before anything else that is said, and when the process ends in whatever
way but a kill that nobody hears of.
"""

import asyncio
import atexit
import io
import threading
from typing import TextIO

from automation.service.log_outlet import PATIENCE, Outlet

SECONDS = 0.05
"""How long a line waits for others."""
MOST = 256
"""How many lines wait at the most."""


class GatheredLines(io.TextIOBase):
    """A text stream in front of another one: what is written leaves at once, after what was gathered before.

    Args:
        stream: Where lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._most = MOST
        atexit.register(self.end)

    def isatty(self) -> bool:
        """Return whether people read here."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor that lines leave by."""
        return self._stream.fileno()

    def settle(self) -> None:
        """Wait a moment until what was written has left."""
        if isinstance(self._stream, Outlet):
            self._stream.settle(PATIENCE)

    def gather(self, line: bytes) -> None:
        """Write a line soon: it has its line feed, and the running event loop sees to it."""
        with self._lock:
            self._lines.append(line)
            count = len(self._lines)
        if count >= self._most:
            self.flush()
        elif count == 1:
            asyncio.get_running_loop().call_later(SECONDS, self.flush)

    def write(self, text: str) -> int:
        """Write what was gathered, and then a text."""
        with self._lock:
            self._leave()
            return self._stream.write(text)

    def flush(self) -> None:
        """Write what was gathered."""
        with self._lock:
            self._leave()
            self._stream.flush()

    def end(self) -> None:
        """Write what was gathered, and from now on whatever comes at once."""
        self._most = 1
        if not self._stream.closed:
            self.flush()

    def _leave(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            self._stream.write(b"".join(lines).decode())
