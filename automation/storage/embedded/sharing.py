"""Tells which processes use a data directory: by file locks, which the kernel takes back from a dead process."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from automation.storage.embedded.failure import EmbeddedServerError

PATIENCE = 150.0
"""Seconds to wait for another process that creates (60), starts (30) or stops (2 times 30) the server."""

INTERVAL = 0.02


class Sharing:
    """One process's use of a data directory that several may use at the same time.

    Args:
        directory: The data directory; the locks' files stay in it.
    """

    def __init__(self, directory: Path) -> None:
        self._transition = directory / "embedded.lock"
        self._use = directory / "embedded.users"
        self._gate: int | None = None
        self._joined: int | None = None

    @contextmanager
    def transition(self) -> Iterator[None]:
        """Hold off every other process that would start or stop the server.

        Raises:
            EmbeddedServerError: Another process has been at it for longer than it can take.
        """
        gate = self._opened()
        try:
            _lock(gate, self._transition)
            yield
        finally:
            fcntl.flock(gate, fcntl.LOCK_UN)
            if self._joined is None:
                self._gate = None
                os.close(gate)

    def close(self) -> None:
        """Begin a transition that lasts until the end of the next one; for tests.

        Raises:
            EmbeddedServerError: As for ``transition``.
        """
        _lock(self._opened(), self._transition)

    def join(self) -> None:
        """Count as a user from now on; to be called within a transition."""
        if self._joined is None:
            descriptor = _open(self._use)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            self._joined = descriptor

    def leave(self) -> bool:
        """Count as a user no longer, and say whether it was the last; to be called within a transition."""
        if self._joined is None:
            return False
        descriptor, self._joined = self._joined, None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        # A user keeps the file open, so that it can still leave in order after the data directory was deleted.
        if self._gate is None:
            self._gate = _open(self._transition)
        return self._gate


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(INTERVAL)
    raise EmbeddedServerError(f"Another process has held {path} for {PATIENCE:.0f} s while starting or stopping.")
