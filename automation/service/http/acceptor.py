"""Takes connections from the listening socket, and at the end all that are still in its queue.

The event loop's own server can do neither of two things: look into the queue once more before it closes the socket, and
say that it has no descriptor left for a connection (libuv resets such connections, in silence).
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import structlog

_AT_ONCE = 16
"""Tuned: connections that are accepted in a row, so that processes that share a socket share its connections."""
_PAUSE_SECONDS = 0.5
"""Tuned: seconds in which nothing is accepted, where there is no descriptor left."""
_SILENT_SECONDS = 60.0

_log = structlog.get_logger()


class Acceptor:
    """Takes connections over from one listening socket, which may be shared with other processes.

    Args:
        listener: The socket.
        make_protocol: Called for each connection.
    """

    def __init__(self, listener: socket.socket, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        self.listener = listener
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[object]] = set()
        self._paused: asyncio.TimerHandle | None = None
        self._said_at = float("-inf")

    def start(self) -> None:
        """Take connections from now on."""
        self.listener.setblocking(False)
        self._resume()

    async def close(self) -> None:
        """Take what is in the queue, and no more; the socket stays open in the processes that share it."""
        if self._paused is not None:
            self._paused.cancel()
        self._loop.remove_reader(self.listener.fileno())
        while self._accept():
            pass
        self.listener.close()
        if self._beginning:
            await asyncio.wait(self._beginning)

    def _resume(self) -> None:
        self._paused = None
        self._loop.add_reader(self.listener.fileno(), self._accept_some)

    def _accept_some(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._accept():
                return

    def _accept(self) -> bool:
        """Return whether there may be more."""
        try:
            connection, _ = self.listener.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:  # it has gone while it waited
            return True
        except OSError as error:
            self._pause(error)
            return False
        task: asyncio.Task[object] = self._loop.create_task(self._begin(connection))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        return True

    async def _begin(self, connection: socket.socket) -> None:
        with suppress(OSError):  # it has gone
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            await self._loop.connect_accepted_socket(self._make_protocol, connection)

    def _pause(self, error: OSError) -> None:
        """Leave the queue alone for a moment: asked at once, the kernel would say the same."""
        if self._paused is None:
            self._loop.remove_reader(self.listener.fileno())
            self._paused = self._loop.call_later(_PAUSE_SECONDS, self._resume)
        if self._loop.time() - self._said_at >= _SILENT_SECONDS:
            self._said_at = self._loop.time()
            _log.error("no connections taken", reason=error.strerror)
