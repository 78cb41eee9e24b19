"""The way of log lines out of the process: where nobody reads them it keeps some, drops the rest, and holds nobody up.

A pipe whose reader is stuck is full after 64 KiB. A write would then wait for ever, and an event loop with it.
"""

import atexit
import io
import os
import select
import socket
import stat
import threading
import time
from collections import deque
from typing import TextIO, cast

import structlog

ROOM = 1024 * 1024
"""Bytes of lines that are kept while nobody reads."""
PATIENCE = 1.0
"""Seconds that a process which ends waits for its last lines to be read."""

_LOOK_AGAIN_SECONDS = 0.01

_log = structlog.get_logger()


class Outlet(io.TextIOBase):
    """A text stream whose writes never wait.

    Lines leave at once where they can. What can't is carried out by a thread, in its order, as somebody reads; beyond
    the room for such lines they are dropped, and how many is said as soon as all others have left.

    Args:
        descriptor: A pipe, a socket or a terminal.
        room: How many bytes are kept.
    """

    def __init__(self, descriptor: int, *, room: int = ROOM) -> None:
        self._terminal = os.isatty(descriptor)
        self._room = room
        self._way = _way_out(descriptor)
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._carrier: threading.Thread | None = None

    def close(self) -> None:
        """Write nothing more; whoever shares the descriptor goes on."""
        if not self.closed:
            super().close()
            self._way.close()

    def isatty(self) -> bool:
        """Return whether people read here."""
        return self._terminal

    def fileno(self) -> int:
        """Return the descriptor that lines leave by, which is this stream's own."""
        return self._way.fileno()

    def write(self, text: str) -> int:
        """Write one line or several, or keep or drop each of them."""
        line = text.encode("utf-8", "backslashreplace")
        with self._lock:
            if self._carrier is None:
                try:
                    line = line[self._way.at_once(line) :]
                except BlockingIOError:
                    pass
                except OSError:
                    line = b""  # whoever read it is gone
            for rest in line.splitlines(keepends=True):
                self._keep(rest)
        return len(text)

    def settle(self, seconds: float) -> None:
        """Wait until what was kept has left, but no longer than some seconds."""
        carrier = self._carrier
        if carrier is not None:
            carrier.join(seconds)

    def _keep(self, line: bytes) -> None:
        if self._size and self._size + len(line) > self._room:
            self._dropped += 1
            return
        self._waiting.append(line)
        self._size += len(line)
        if self._carrier is None:
            self._carrier = threading.Thread(target=self._carry, name="log lines", daemon=True)
            self._carrier.start()

    def _carry(self) -> None:
        line = b""
        while True:
            with self._lock:
                self._size -= len(line)
                line = self._waiting.popleft() if self._waiting else b""
                dropped = 0 if line else self._dropped
                if not line and not dropped:
                    self._carrier = None
                    return
                self._dropped -= dropped
            if dropped:
                _log.warning("log lines dropped: nobody read them", lines=dropped)
            self._carry_out(line)

    def _carry_out(self, line: bytes) -> None:
        while line:
            try:
                line = line[self._way.in_time(line) :]
            except OSError:
                return


def outlet(stream: TextIO) -> TextIO:
    """Return a stream for the same lines whose writes never wait; itself where they don't anyway, as into a file."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # it is in memory, or closed
        return stream
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)):
        return stream
    made = Outlet(descriptor)
    atexit.register(made.settle, PATIENCE)
    return cast("TextIO", made)


class _Way:
    """A way out that writes when it can: all that there is where a descriptor can't be told not to wait.

    Others share the descriptor, and would be surprised if it no longer waited.
    """

    def __init__(self, descriptor: int) -> None:
        self._own = os.dup(descriptor)

    def at_once(self, _line: bytes) -> int:
        """Write what can be written now, and return how many bytes that were; raise ``BlockingIOError`` for none."""
        raise BlockingIOError

    def in_time(self, line: bytes) -> int:
        """Wait until something can be written, and return how many bytes were."""
        return os.write(self._own, line)

    def fileno(self) -> int:
        return self._own

    def close(self) -> None:
        os.close(self._own)


class _Reopened(_Way):
    """A pipe or a terminal, opened once more so as not to wait."""

    def __init__(self, descriptor: int) -> None:
        self._own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        self._room = select.poll()
        self._room.register(self._own, select.POLLOUT)

    def at_once(self, line: bytes) -> int:
        return os.write(self._own, line)

    def in_time(self, line: bytes) -> int:
        while True:
            self._room.poll()
            try:
                return os.write(self._own, line)
            except BlockingIOError:
                time.sleep(_LOOK_AGAIN_SECONDS)  # there is room, but not for a line of this length


class _Socket(_Way):
    """A socket, such as systemd's journal gives: told with each write not to wait."""

    def __init__(self, descriptor: int) -> None:
        self._end = socket.socket(fileno=os.dup(descriptor))

    def at_once(self, line: bytes) -> int:
        return self._end.send(line, socket.MSG_DONTWAIT)

    def in_time(self, line: bytes) -> int:
        return self._end.send(line)

    def fileno(self) -> int:
        return self._end.fileno()

    def close(self) -> None:
        self._end.close()


def _way_out(descriptor: int) -> _Way:
    if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return _Socket(descriptor)
    try:
        return _Reopened(descriptor)
    except OSError:  # another system, or another user's terminal
        return _Way(descriptor)
