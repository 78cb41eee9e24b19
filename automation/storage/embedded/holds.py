"""Holds directories against their removal: locks that the kernel takes back from a dead process.

Who uses a directory shares its lock; who would remove it needs the lock for itself. The directory is its own lock, so
that there is no file which somebody else could replace, and so that only who may read the directory can hold it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 60.0
"""Seconds to wait for somebody who is removing the directory, or finding out that it must stay."""

INTERVAL = 0.02
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Holds:
    """The directories that one user of them keeps in place."""

    def __init__(self) -> None:
        self._descriptors: list[int] = []

    def take(self, directory: Path) -> None:
        """Hold a directory until ``release``; one that this user may not read is kept by its server alone.

        Raises:
            FileNotFoundError: It isn't there, or was removed in this moment.
            TimeoutError: Somebody else has kept it for longer than a removal takes.
        """
        with suppress(PermissionError):
            descriptor = os.open(directory, _FLAGS)
            try:
                _share(descriptor, directory)
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptors.append(descriptor)

    def release(self) -> None:
        """Hold nothing any more."""
        while self._descriptors:
            os.close(self._descriptors.pop())


@contextmanager
def held_alone(directory: Path) -> Iterator[bool]:
    """Hold off every user of a directory for the length of the block, and say whether that was possible."""
    try:
        descriptor = os.open(directory, _FLAGS)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _lock(descriptor, fcntl.LOCK_EX) and _is_still_at(descriptor, directory)
    finally:
        os.close(descriptor)


def _share(descriptor: int, directory: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _lock(descriptor, fcntl.LOCK_SH):
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process has kept {directory} for {PATIENCE:.0f} s")
        time.sleep(INTERVAL)
    if not _is_still_at(descriptor, directory):
        raise FileNotFoundError(f"{directory} was removed in this moment")


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still_at(descriptor: int, directory: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), directory.lstat())
    except FileNotFoundError:
        return False
