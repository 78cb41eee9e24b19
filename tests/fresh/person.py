"""Somebody at a machine: root or an ordinary user, with an empty home, who types commands and presses Ctrl-C."""

import os
import pty
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_INTERVAL = 0.05
END_SECONDS = 60.0


class Unexpected(Exception):
    """Something is not as a newcomer may expect it."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a machine.

    Args:
        root: Where the machine's file tree is.
        name: The user's name.
        uid: Of the user and of the user's own group.
        home: As the user sees it.
        environment: All that a login gives, beside what is said of the person here.
    """

    root: Path
    name: str
    uid: int
    home: Path
    environment: Mapping[str, str] = field(repr=False)

    def seen(self, path: Path) -> Path:
        """Return where a path of the machine is for who looks from outside."""
        return self.root / path.relative_to("/")

    def command(self, line: str, directory: Path, extra: Mapping[str, str] | None = None) -> list[str]:
        """Return the arguments with which a line is typed into a shell, in a directory."""
        own = {"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "SHELL": "/bin/sh"}
        variables = [f"{name}={value}" for name, value in {**self.environment, **own, **(extra or {})}.items()]
        become = ["chroot", f"--userspec={self.uid}:{self.uid}", f"--groups={self.uid}", str(self.root)]
        return [*become, "/usr/bin/env", "-i", "-C", str(directory), *variables, "/bin/sh", "-c", line]

    def run(
        self, line: str, directory: Path, extra: Mapping[str, str] | None = None, *, seconds: float = 300.0
    ) -> tuple[int, str]:
        """Type a line, wait for its end, and return its exit code and all that it said."""
        with Session(self.command(line, directory, extra), terminal=False) as session:
            return session.end(seconds), session.output


class Session:
    """A command that runs, at a terminal or with its output in a pipe, as the leader of a group of its own.

    ``output`` is everything that it said so far, without colours.
    """

    def __init__(self, command: list[str], *, terminal: bool) -> None:
        self._read = b""
        self._code: int | None = None
        if terminal:
            self.leader, self._descriptor = _at_a_terminal(command)
        else:
            self.leader, self._descriptor = _in_a_pipe(command)
        self._terminal = terminal
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._descriptor, selectors.EVENT_READ)
        self._open = True

    def __enter__(self) -> "Session":
        """Return the session."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what is left of the group, and close the terminal."""
        if self._code is None:
            os.killpg(self.leader, signal.SIGKILL)
            os.waitpid(self.leader, 0)
        self._selector.close()
        os.close(self._descriptor)

    @property
    def output(self) -> str:
        """What the command said."""
        return _ESCAPES.sub("", self._read.decode(errors="replace"))

    def await_line(self, pattern: str, seconds: float) -> str:
        """Wait for a line that a regular expression matches as a whole, and return it.

        Raises:
            Unexpected: The command ended before, or took longer.
        """
        wanted = re.compile(rf"^{pattern}$", re.MULTILINE)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._hear()
            found = wanted.search(self.output)
            if found is not None:
                return found.group(0).strip()
            if self._ended():
                raise Unexpected(f"it ended with {self._code} before it said what was awaited: {pattern}")
        raise Unexpected(f"it didn't say within {seconds:.0f} s what was awaited: {pattern}")

    def await_file(self, pattern: str, directory: Path, seconds: float) -> None:
        """Wait until the command made a file.

        Raises:
            Unexpected: The command ended before, or took longer.
        """
        deadline = time.monotonic() + seconds
        while not any(directory.glob(pattern)):
            self._hear()
            if self._ended() or time.monotonic() > deadline:
                raise Unexpected(f"it made no {pattern}")

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C: the terminal sends SIGINT to every process in its foreground."""
        os.write(self._descriptor, b"\x03")

    def end(self, seconds: float = END_SECONDS) -> int:
        """Wait for the end, and return the exit code as a shell has it: 128 and its number for a signal.

        Raises:
            Unexpected: It goes on.
        """
        deadline = time.monotonic() + seconds
        while not self._ended():
            if time.monotonic() > deadline:
                raise Unexpected(f"it didn't end within {seconds:.0f} s")
            self._hear()
        while self._open:
            if not self._hear():
                break
        assert self._code is not None
        return self._code if self._code >= 0 else 128 - self._code

    def _ended(self) -> bool:
        if self._code is None:
            pid, status = os.waitpid(self.leader, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code is not None

    def _hear(self) -> bool:
        """Read what there is; say whether there was something."""
        if not self._open:
            time.sleep(_INTERVAL)
            return False
        if not self._selector.select(_INTERVAL):
            return False
        try:
            read = os.read(self._descriptor, 65536)
        except OSError:  # the last process at the terminal is gone
            read = b""
        self._read += read
        if not read:
            self._selector.unregister(self._descriptor)
            self._open = False
        return bool(read)


def _at_a_terminal(command: list[str]) -> tuple[int, int]:
    pid, descriptor = pty.fork()
    if pid == 0:
        _with_default_signals()
        os.execvp(command[0], command)  # noqa: S606 - nothing here goes through a shell
    return pid, descriptor


def _in_a_pipe(command: list[str]) -> tuple[int, int]:
    read, write = os.pipe()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=write,
        start_new_session=True,
        preexec_fn=_with_default_signals,  # noqa: PLW1509 - no other thread is in this process
    )
    os.close(write)
    process.returncode = 0  # it is awaited here, by its number
    return process.pid, read


def _with_default_signals() -> None:
    """Inherit nothing: a job in the background of a script has SIGINT ignored."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
