"""Several processes that answer requests on one socket, and their parent, which replaces those that end or hang.

uvicorn's own supervisor gives a child five seconds by the clock, and waits for it in silence: a family that was frozen
as a whole would lose children that are well, and one silent child would hold up signals and all others. Here a parent
asks all its children in each of its rounds, and counts the rounds without an answer. Its children are forks of it,
which has loaded all that they need (``fork.py``), until SIGHUP asks for processes that load it anew.
"""

import math
import os
import socket
import threading
import time

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from automation.service import side_log
from automation.service.connection_bounds import Bounds
from automation.service.http.child import ROUND_SECONDS, STOP_SECONDS, Child
from automation.service.http.listener import SETTLING_SECONDS, take_no_more
from automation.service.lifecycle import Lifecycle
from automation.service.watchdog import Limits

_log = structlog.get_logger()


class Family(Multiprocess):
    """The parent, and its children.

    Args:
        config: uvicorn's own; ``workers`` is the number of children.
        sockets: What they listen on.
        limits: What they are held to.
        bounds: What their connections are held to.
        drain_seconds: For how long they go on when all are told to stop.
        lifecycle: Tells how the family is.
        forked: uvicorn's own, with an application for forks of this process; without it there are none.
    """

    processes: list[Child]  # type: ignore[assignment]  # none of them is of uvicorn's own kind

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        *,
        limits: Limits,
        bounds: Bounds,
        drain_seconds: float,
        lifecycle: Lifecycle,
        forked: uvicorn.Config | None = None,
    ) -> None:
        super().__init__(config, sockets)
        self._limits = limits
        self._bounds = bounds
        self._drain_seconds = drain_seconds
        self._lifecycle = lifecycle
        self._forked = forked

    @property
    def failed(self) -> bool:
        """Whether a child could not even start."""
        return any(child.exitcode == STARTUP_FAILURE for child in self.processes)

    def run(self) -> None:
        """Answer requests until a signal ends it."""
        self.init_processes()
        ready = False
        while not self.should_exit.wait(ROUND_SECONDS):
            self.handle_signals()
            self.keep_subprocess_alive()
            if ready:
                self._lifecycle.alive()
            elif all(child.serves for child in self.processes):
                ready = True
                self._lifecycle.started()
        self._lifecycle.stopping()
        self.terminate_all()
        self.join_all()
        self._lifecycle.stopped()

    def terminate_all(self) -> None:
        """Tell all children to stop, which share the socket's queue: they look at it until nothing more comes in."""
        for child in self.processes:
            child.stop()
        self._wait(self._drain_seconds)
        for listener in self.sockets:
            take_no_more(listener)
        self._wait(SETTLING_SECONDS)
        for child in self.processes:
            child.release()
        for listener in self.sockets:
            listener.close()

    def _wait(self, seconds: float) -> None:
        """Wait until the time is over, all children have ended, or another signal comes."""
        pause = threading.Event()
        self.signal_queue.clear()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.signal_queue and any(map(_lives, self.processes)):
            self._lifecycle.alive()
            pause.wait(min(ROUND_SECONDS, max(0.0, deadline - time.monotonic())))

    def init_processes(self) -> None:
        """Start all children."""
        self.processes.extend(self._start() for _ in range(self.processes_num))

    def keep_subprocess_alive(self) -> None:
        """Ask all children, and replace those that ended or don't answer; one that ended at once after a pause."""
        for index, child in enumerate(self.processes):
            child.hear()
            if self.should_exit.is_set():
                return
            if child.hangs or not child.process.is_alive():
                if not child.ended:
                    self._end(child)
                if not self.should_exit.is_set() and not child.rests():
                    self._replace(index, child)

    def _end(self, child: Child) -> None:
        """End a child for good, and say for how long nobody takes its place."""
        reason = "it does not answer" if child.process.is_alive() else "it ended"
        child.kill()
        side_log.say(_log, "error", "process ended", pid=child.pid, reason=reason, exit_code=child.exitcode)
        if child.exitcode == STARTUP_FAILURE:
            # It would fail in the same way again, and has said why.
            self.should_exit.set()
            return
        pause = child.respawn.pause(child.seconds)
        child.rest(pause, reason)
        if pause:
            side_log.say(_log, "error", "process ended at once: the next one waits", pid=child.pid, pause_seconds=pause)

    def _replace(self, index: int, child: Child) -> None:
        self.processes[index] = new = self._start()
        new.respawn = child.respawn
        side_log.say(
            _log, "error", "process replaced", pid=child.pid, reason=child.ended, exit_code=child.exitcode, by=new.pid
        )

    def restart_all(self) -> None:
        """Replace each child by a new one, which serves before the old one stops; until another signal comes."""
        side_log.say(_log, "info", "service reloads", pid=os.getpid())
        self._forked = None  # what is installed may be another release by now
        for index, child in enumerate(self.processes):
            new = self._start()
            if not self._serves_in_time(new):
                new.kill()
                side_log.say(_log, "error", "process not replaced: the new one does not serve", pid=child.pid)
                return
            self.processes[index] = new
            child.terminate()
            self._await_end(child)
        side_log.say(_log, "info", "service reloaded", pid=os.getpid())

    def _serves_in_time(self, child: Child) -> bool:
        pause = threading.Event()
        while child.process.is_alive() and not child.hangs and not self.signal_queue:
            child.hear()
            if child.serves:
                return True
            self._lifecycle.alive()
            pause.wait(ROUND_SECONDS)
        return False

    def handle_ttin(self) -> None:
        """Have one child more."""
        self.processes_num += 1
        self.processes.append(self._start())

    def handle_ttou(self) -> None:
        """Have one child less, but one at least."""
        if self.processes_num > 1:
            self.processes_num -= 1
            child = self.processes.pop()
            child.terminate()
            self._await_end(child)

    def join_all(self) -> None:
        """Wait for all children, and end those that don't stop."""
        self._await_end(*self.processes)

    def _await_end(self, *children: Child) -> None:
        left = list(children)
        for _ in range(math.ceil(((self.config.timeout_graceful_shutdown or 0) + STOP_SECONDS) / ROUND_SECONDS)):
            for child in left:
                if not child.process.is_alive():
                    side_log.say(_log, "info", "process stopped", pid=child.pid)
            left = [child for child in left if child.process.is_alive()]
            if not left:
                return
            left[0].process.join(ROUND_SECONDS)
            self._lifecycle.alive()
        for child in left:
            side_log.say(_log, "error", "process ended: it did not stop", pid=child.pid)
            child.kill()

    def _start(self) -> Child:
        child = Child(self.config, self.sockets, self._limits, self._bounds, self._drain_seconds, forked=self._forked)
        child.start()
        side_log.say(_log, "info", "process started", pid=child.pid)
        return child


def _lives(child: Child) -> bool:
    return child.process.is_alive()
