"""Log of the demo: a file in the data directory, to which the service, its worker and the receivers write."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TextIO

FILE_NAME = "demo.log"
LONGEST = 10 * 1024 * 1024
"""Bytes after which the file begins anew; the former ones stay in demo.log.1."""

_INTERVAL = 0.2


def open_log(path: Path) -> int:
    """Open the file, made where it is missing, for its owner's eyes only; return its descriptor.

    Raises:
        OSError: It can't be had, or is a symbolic link.
    """
    return _open(path, os.O_RDWR | os.O_APPEND)


@contextmanager
def logging_to(path: Path, *, shown: bool) -> Iterator[TextIO]:
    """Have all that this process writes to standard error written to a file instead, for the length of the block.

    Lines are appended, by several processes at the same time where these are given the file: it is never replaced, but
    copied and emptied where it gets too long. Lines that are written in that moment are lost.

    Args:
        path: The file, for its owner's eyes only; in an existing directory.
        shown: Whether what is written to it is shown on standard error, too.
    """
    stream = os.fdopen(open_log(path), "a", buffering=1, encoding="utf-8", errors="backslashreplace")
    ended = threading.Event()
    keeper = _Keeper(path, stream.fileno(), sys.stderr if shown else None)
    thread = threading.Thread(target=keeper.keep, args=(ended,), name="demo log", daemon=True)
    thread.start()
    try:
        with redirect_stderr(stream):
            yield stream
    finally:
        ended.set()
        thread.join()  # the file stays open for what is logged until the process has ended


def _open(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


class _Keeper:
    """Limits the size of the file, and shows what is written to it."""

    def __init__(self, path: Path, descriptor: int, terminal: TextIO | None) -> None:
        self._path = path
        self._descriptor = descriptor
        self._terminal = terminal
        self._position = os.fstat(descriptor).st_size

    def keep(self, ended: threading.Event) -> None:
        while not ended.wait(_INTERVAL):
            self._look()
        self._look()

    def _look(self) -> None:
        size = os.fstat(self._descriptor).st_size
        self._position = min(self._position, size)  # another demo of this directory may have emptied it
        self._show(size)
        if size > LONGEST:
            self._begin_anew()

    def _show(self, size: int) -> None:
        if self._terminal is None or size == self._position:
            return
        written = os.pread(self._descriptor, size - self._position, self._position)
        self._position += len(written)
        try:
            self._terminal.write(written.decode(errors="backslashreplace"))
            self._terminal.flush()
        except OSError:
            self._terminal = None  # it is gone; the file has everything

    def _begin_anew(self) -> None:
        former = self._path.with_name(f"{self._path.name}.1")
        target = _open(former, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(target, "wb") as copy, self._path.open("rb") as log:
            shutil.copyfileobj(log, copy)
        os.ftruncate(self._descriptor, 0)
        self._position = 0
