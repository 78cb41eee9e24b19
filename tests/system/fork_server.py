"""Fork server: has imported what the service's command loads, and becomes that command whenever it is asked to.

Four fifths of the processor time of a start are imports, and a run of the tests makes hundreds of starts. This program
imports once; each start is a fork of it that takes over what a new process gets from the one that starts it (arguments,
environment, descriptors), runs the very script that an operator runs, and ends as an interpreter ends. From outside it
is what a real start is, which ``test_forked.py`` holds. ``tests/system/forked.py`` asks.

For copies of the service with a fault in them there is a second one, which has imported other people's packages alone:
``fork_server.py DESCRIPTOR libraries``.

It is run as a program of its own, so it uses nothing of the tests' packages.
"""

import fcntl
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import termios
import types
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

COMMAND = Path(sys.executable).with_name("automation")

PRELOADED = (
    "automation.commands.program",
    "automation.demo.session",
    "automation.service.server",
    "automation.service.worker",
)
"""What commands load when they need it; what is loaded later still, the process that needs it loads."""

LIBRARIES = (
    *("aiosmtplib", "click", "cloudevents.core.v1.event", "connexion", "cronsim", "h11", "httptools", "httpx"),
    *("cryptography.hazmat.primitives.ciphers.aead", "jmespath", "jsonschema_rs", "orjson", "procrastinate"),
    *("psycopg_pool", "pydantic_settings", "re2", "rich.console", "sqlalchemy.dialects.postgresql", "standardwebhooks"),
    *("starlette.applications", "starlette.middleware.cors", "structlog", "uvicorn", "uvloop", "yaml"),
)
"""What those modules load of other people's packages."""

OURS = ("automation", "handlers", "security")
COPYS_COMMAND = "from automation.commands import main; main()"
"""The program of a copy, which is run in the copy's directory."""

RECORD = struct.Struct("=q")
"""What is told of a process, each in one record: its id, and when it has ended its exit code."""

MOST_BYTES = 1 << 20
DESCRIPTORS = 4
"""Where a process is told of, and its standard input, output and error."""


@dataclass(frozen=True)
class Start:
    """What a process is to be: the command, or that of the copy in ``directory``.

    ``in_front`` of the terminal that is its input it is alone in a session of its own. ``signals`` says of
    some how whoever starts it has left them: ``heard``, ``ignored`` or ``blocked``.
    """

    arguments: list[str]
    environment: dict[str, str]
    directory: str | None
    in_front: bool
    signals: dict[str, str]
    standard: list[int]


class Children:
    """The processes that have been started and haven't ended, each with the descriptor that is told of it."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._told: dict[int, tuple[int, int]] = {}

    def add(self, pid: int, told: int) -> None:
        """Tell which process it is, and wait for its end."""
        ended = os.pidfd_open(pid)
        self._told[ended] = (pid, told)
        self._selector.register(ended, selectors.EVENT_READ)
        _tell(told, pid)

    def end(self, ended: int) -> None:
        """Tell how a process has ended."""
        pid, told = self._told.pop(ended)
        self._selector.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(pid, 0)
        _tell(told, os.waitstatus_to_exitcode(status))
        os.close(told)

    def forget(self) -> None:
        """Close all descriptors, in a child that has nothing to do with the others."""
        for ended, (_, told) in self._told.items():
            os.close(ended)
            os.close(told)


def preload(names: tuple[str, ...]) -> None:
    """Import what the command loads, as the command does: no garbage is collected meanwhile."""
    gc.disable()
    sys.path[0] = str(COMMAND.parent)
    with warnings.catch_warnings(action="ignore"):
        for name in names:
            importlib.import_module(name)
    gc.freeze()


def serve(control: socket.socket) -> Start | None:
    """Fork whenever it is asked, until nobody is there any more who could ask.

    Returns:
        In a child what it is to be; None in the server, at its end.
    """
    with selectors.DefaultSelector() as selector, control:
        children = Children(selector)
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    children.end(key.fd)
                    continue
                message, descriptors, _, _ = socket.recv_fds(control, MOST_BYTES, DESCRIPTORS)
                if not message:
                    return None
                told, *standard = descriptors
                pid = os.fork()
                if pid == 0:
                    children.forget()
                    os.close(told)
                    return Start(**json.loads(message), standard=standard)
                children.add(pid, told)
                for descriptor in standard:
                    os.close(descriptor)


def become(start: Start) -> None:
    """Be the command from here on; ends with SystemExit, or as the command ends.

    Signals are as an interpreter begins with them; the server's streams, never used, stand for the same numbers.
    """
    for number, descriptor in enumerate(start.standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    if start.in_front:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(number, handler)
    inherit(start.signals)
    os.environ.clear()
    os.environ.update(start.environment)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=os.isatty(1))
    if start.directory is None:
        sys.argv = [str(COMMAND), *start.arguments]
        runpy.run_path(str(COMMAND), run_name="__main__")
    else:
        run_copy(start.directory, start.arguments)


def inherit(signals: dict[str, str]) -> None:
    """Leave signals, by their numbers, as they are left to a process that is started: an interpreter keeps that."""
    for number, how in ((int(number), how) for number, how in signals.items()):
        if how == "blocked":
            signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        elif how == "ignored":
            signal.signal(number, signal.SIG_IGN)
        elif number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)


def run_copy(directory: str, arguments: list[str]) -> None:
    """Run a copy's program as ``python -c`` does: what is in its directory comes before all that is installed."""
    os.chdir(directory)
    sys.path[0] = ""
    sys.argv = ["-c", *arguments]
    importlib.invalidate_caches()
    if ours := [name for name in sys.modules if name.partition(".")[0] in OURS]:
        raise RuntimeError(f"loaded before the copy's: {ours}")
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    exec(COPYS_COMMAND, main.__dict__)  # noqa: S102 - the text above


def _tell(told: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody wants to know any more
        os.write(told, RECORD.pack(number))


def main() -> None:
    """Serve on the descriptor that was named; in a child, be what was asked for."""
    preload(LIBRARIES if "libraries" in sys.argv[2:] else PRELOADED)
    try:
        start = serve(socket.socket(fileno=int(sys.argv[1])))
    except KeyboardInterrupt:  # of the whole group: who asked is going, too
        return
    if start is not None:
        become(start)


if __name__ == "__main__":
    main()
