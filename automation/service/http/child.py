"""One of several processes that answer requests, as its parent knows it, and what it does in its own process."""

import math
import os
import pickle
import signal
import socket
import time
from contextlib import suppress

import structlog
import uvicorn
from uvicorn.supervisors.multiprocess import Process

from automation.service import logs, side_log
from automation.service.connection_bounds import Bounds
from automation.service.http import fork
from automation.service.http.respawn import Respawn
from automation.service.http.watched_server import WatchedServer
from automation.service.watchdog import EXIT_CODE, Limits

ROUND_SECONDS = 0.5
"""Tuned: how often a parent looks at signals and children."""
START_SECONDS = 60.0
"""How long a child may take until it answers for the first time, on a machine that is busy."""
STOP_SECONDS = 10.0
"""How long a child may take to close what it has open, after the time that requests in flight have."""

_PING = b"ping"
_RELEASE = b"release"

_log = structlog.get_logger()


class Child(Process):
    """One process that answers requests, as its parent knows it.

    Args:
        config: uvicorn's own.
        sockets: What it listens on.
        limits: What its event loop is held to; by its own watchdog, for a child answers its parent from a thread.
        bounds: What its connections are held to.
        drain_seconds: For how long it goes on when it is told to stop while its parent stops, too.
        forked: uvicorn's own, with an application for forks of this process; without it all are started as programs.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        limits: Limits,
        bounds: Bounds,
        drain_seconds: float,
        *,
        forked: uvicorn.Config | None = None,
    ) -> None:
        self.serves = False
        self.ended = ""
        self.respawn = Respawn()
        self._rounds = 0
        self._rounds_to_rest = 0
        self._limits = limits
        self._bounds = bounds
        self._drain_seconds = drain_seconds
        self._asked = False
        self._known = False
        self._silent_rounds = 0
        self._sockets = sockets
        self._forked = forked
        super().__init__(config, sockets)

    @property
    def server(self) -> WatchedServer:
        """The server in the child's own process."""
        if self._server is None:
            self._server = WatchedServer(
                self.config, self._limits, self._bounds, drain_seconds=self._drain_seconds, shared=True
            )
        assert isinstance(self._server, WatchedServer)  # noqa: S101 -- narrows the type
        return self._server

    @property
    def hangs(self) -> bool:
        """Whether it hasn't answered for too many rounds."""
        patience = self._limits.kill_seconds if self._known else START_SECONDS
        return self._silent_rounds * ROUND_SECONDS >= patience

    @property
    def seconds(self) -> float:
        """For how long it has lived, were every round on time."""
        return self._rounds * ROUND_SECONDS

    def rest(self, seconds: float, reason: str) -> None:
        """Leave its place empty for some time.

        Args:
            seconds: For how long.
            reason: Why it ended.
        """
        self.ended = reason
        self._rounds_to_rest = math.ceil(seconds / ROUND_SECONDS)

    def rests(self) -> bool:
        """Return whether its place is still to be left empty; called once a round."""
        self._rounds_to_rest -= 1
        return self._rounds_to_rest >= 0

    def hear(self) -> None:
        """Read its answer, if there is one, and ping it again; called once a round."""
        self._rounds += 1
        self._silent_rounds += 1
        try:
            if self._asked and self.parent_conn.poll(0):
                self._take(serves=self.parent_conn.recv())
            if not self._asked:
                self.parent_conn.send(_PING)
                self._asked = True
        except (OSError, EOFError, pickle.UnpicklingError):
            self.serves = False

    def _take(self, *, serves: bool) -> None:
        if serves and not self.serves:
            side_log.say(_log, "info", "process serves", pid=self.pid)
        self.serves = serves
        self._asked, self._known, self._silent_rounds = False, True, 0

    def start(self) -> None:
        """Start it: as a fork where that can be, else as a program of its own, which loads everything anew."""
        if self._forked is None or not fork.possible():
            self._forked, self._sockets = None, []  # a program is given all this as bytes, and its sockets once
            super().start()
            return
        pipes = [self.parent_conn.fileno(), self.child_conn.fileno()]
        kept = [*pipes, *(each.fileno() for each in self._sockets), logs.descriptor()]
        self.process = fork.start(self._live, kept)  # type: ignore[assignment]  # multiprocessing's both, and alike

    def _live(self) -> None:
        assert self._forked is not None  # noqa: S101 -- it was forked for that
        self.config = self._forked
        try:
            self.target(self._sockets)
        finally:
            logs.settle()  # which an interpreter that ends does by itself, and a fork doesn't

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, in the child's own process."""
        self.parent_conn.close()  # so that nobody holds the pipe's end but the parent
        assert self.server is not None  # noqa: S101 -- made here, and not in two threads at once
        super().target(sockets)

    def always_pong(self) -> None:
        """Do what the parent asks, in a thread of the child's process, and end in order when the parent has ended."""
        try:
            while True:
                if self.child_conn.recv() == _RELEASE:
                    self.server.release()
                else:
                    self.child_conn.send(self.server.started)
        except (OSError, EOFError):
            self.server.abandon()
            time.sleep((self.config.timeout_graceful_shutdown or 0) + STOP_SECONDS)
            logs.gather_no_more()
            os._exit(EXIT_CODE)

    def release(self) -> None:
        """Let it close its sockets when it stops."""
        with suppress(OSError):  # it has ended
            self.parent_conn.send(_RELEASE)

    def stop(self) -> None:
        """Tell it to stop; it closes its sockets when it is released."""
        if self.process.is_alive() and self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def terminate(self) -> None:
        """Tell it to stop while others go on."""
        self.release()
        self.stop()

    def kill(self) -> None:
        """Kill it."""
        super().kill()
        self.process.join(STOP_SECONDS)
