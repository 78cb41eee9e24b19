"""Starts of the service's command that are forked from a process which has its imports (``fork_server.py``).

What a running interpreter can't take over from whoever starts it has a real start: other variables for Python or the
system's libraries, ignored or blocked signals, another directory. So have copies of the service of several processes,
for Python would lead the children to what is installed, everything with ``AUTOMATION_TEST_STARTS=real``, and what tests
start by themselves: starts as such, and the guides' snippets.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from tests.system.fork_server import COMMAND, COPYS_COMMAND, RECORD

STARTS = "AUTOMATION_TEST_STARTS"
"""The environment variable of a run of tests that asks for real starts alone: ``real``."""

_PROGRAM = Path(__file__).with_name("fork_server.py")
_READ_WHEN_USED = ("AUTOMATION_", "COLUMNS", "NOTIFY_", "NO_COLOR", "PYTEST_", "TERM", "WATCHDOG_")
"""Beginnings of the variables that nothing reads before the command runs."""

_IN_FRONT = ("setsid", "--ctty")

_LEAVING = """
import os, signal, sys

end = sys.argv.index("--")
for number, _, how in (each.partition("=") for each in sys.argv[1:end]):
    if how == "blocked":
        signal.pthread_sigmask(signal.SIG_BLOCK, {int(number)})
    else:
        signal.signal(int(number), signal.SIG_IGN if how == "ignored" else signal.SIG_DFL)
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
"""
"""A program that starts another as it says it leaves signals to it."""

How = Literal["heard", "ignored", "blocked"]
"""How whoever starts a process may have left a signal to it."""

Descriptor = int


class Started(Protocol):
    """What tests use of a started process, as ``subprocess.Popen`` has it."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended; a signal's is negative."""

    def send_signal(self, sig: int) -> None:
        """Send a signal to it, unless it has ended."""

    def kill(self) -> None:
        """Send SIGKILL to it, unless it has ended."""


class Forked:
    """A process that the fork server has started."""

    def __init__(self, arguments: Sequence[str], told: Descriptor) -> None:
        self.returncode: int | None = None
        self._arguments = arguments
        self._told = told
        self._lock = threading.Lock()
        weakref.finalize(self, os.close, told)
        self.pid = self._read()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        with self._lock:
            if self.returncode is None and _readable(self._told, 0):
                self.returncode = self._read()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended; a signal's is negative.

        Raises:
            subprocess.TimeoutExpired: It runs on.
        """
        _readable(self._told, timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(list(self._arguments), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal to it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """Send SIGKILL to it, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def _read(self) -> int:
        record = os.read(self._told, RECORD.size)
        if not record:
            raise RuntimeError("the fork server has ended, and says no more of what it has started")
        (number,) = RECORD.unpack(record)
        return int(number)


class ForkServer:
    """The process that forks, and what it was started with.

    Args:
        loaded: What it imports, where that isn't the service: ``libraries``, for copies of it.
    """

    def __init__(self, *loaded: str) -> None:
        self._environment = dict(os.environ)
        self._directory = Path.cwd()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, _PROGRAM, str(theirs.fileno()), *loaded],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def can_start(self, environment: Mapping[str, str]) -> bool:
        """Say whether a fork of the server is what a new process would be."""
        return (
            _read_at_once(environment) == _read_at_once(self._environment)
            and Path.cwd() == self._directory
            and _signals_are_usual()
        )

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[Descriptor],
        *,
        copy: Path | None,
        in_front: bool,
        signals: Mapping[signal.Signals, How],
    ) -> Forked:
        """Start the command: with these arguments, with this environment alone, on these standard streams."""
        sys.audit("subprocess.Popen", str(COMMAND), [str(COMMAND), *arguments], copy, environment)
        asked = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "directory": None if copy is None else str(copy),
            "in_front": in_front,
            "signals": {str(int(number)): how for number, how in signals.items()},
        }
        told, theirs = os.pipe()
        try:
            socket.send_fds(self._control, [json.dumps(asked).encode()], [theirs, *streams])
        finally:
            os.close(theirs)
        return Forked([str(COMMAND), *arguments], told)

    def stop(self) -> None:
        """End the server; what it has started goes on."""
        self._control.close()
        self._process.wait()


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    streams: Sequence[Descriptor],
    *,
    copy: Path | None = None,
    in_front: bool = False,
    signals: Mapping[signal.Signals, How] = MappingProxyType({}),
) -> Started:
    """Start the service's command, forked where that makes no difference.

    Args:
        arguments: What follows ``automation``.
        environment: All of its environment.
        streams: Its standard input, output and error.
        copy: Where the copy of the service is whose command it is to be, if it is a copy's.
        in_front: Whether the terminal that is its standard input is its own: Ctrl-C there is for it and what it starts.
        signals: How some are left to it; all others are as this process has them.
    """
    if os.environ.get(STARTS) != "real" and (copy is None or _is_alone(arguments)):
        server = _server(*(() if copy is None else ("libraries",)))
        if server.can_start(environment):
            return server.start(arguments, environment, streams, copy=copy, in_front=in_front, signals=signals)
    stdin, stdout, stderr = streams
    program = [COMMAND] if copy is None else [sys.executable, "-c", COPYS_COMMAND]
    left = [sys.executable, "-c", _LEAVING, *(f"{int(number)}={how}" for number, how in signals.items()), "--"]
    command = [*(left if signals else ()), *(_IN_FRONT if in_front else ()), *program, *arguments]
    return subprocess.Popen(command, cwd=copy, env=environment, stdin=stdin, stdout=stdout, stderr=stderr)


def _is_alone(arguments: Sequence[str]) -> bool:
    """Say whether a command has no children of multiprocessing's."""
    return "--workers" not in arguments or arguments[arguments.index("--workers") + 1] == "1"


@cache
def _once(*loaded: str) -> ForkServer:
    server = ForkServer(*loaded)
    atexit.register(server.stop)
    return server


_ONE_AT_A_TIME = threading.Lock()


def _server(*loaded: str) -> ForkServer:
    """Return this process's fork server for what is loaded, started by the first who needs it."""
    with _ONE_AT_A_TIME:
        return _once(*loaded)


def _read_at_once(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an interpreter or a library may read as it starts."""
    return {name: value for name, value in environment.items() if not name.startswith(_READ_WHEN_USED)}


def _signals_are_usual() -> bool:
    ignored = [number for number in (signal.SIGINT, signal.SIGTERM) if _is_ignored(number)]
    return not ignored and not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def _readable(descriptor: Descriptor, timeout: float | None) -> bool:
    polled = select.poll()
    polled.register(descriptor, select.POLLIN)
    return bool(polled.poll(None if timeout is None else timeout * 1000))
