"""Supervises a server while this process uses it: notices its end at once, starts it again, and gives up in the end.

PostgreSQL restarts what dies below its main process, but nothing watches that one: the kernel kills it when memory is
short, a person kills it by mistake. Several processes may supervise one server; the first to notice starts it.
"""

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from automation.storage.embedded.endings import ProcessEnding
from automation.storage.embedded.failure import EmbeddedServerError
from automation.storage.embedded.server import EmbeddedServer

PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each try to start the server again; after the last one nobody tries any more."""

STEADY = 60.0
"""Seconds after which a server that was started again counts as well, and its next end as the first."""


class Observer(Protocol):
    """Receives the events of the server; called in the supervision's own thread."""

    def ended(self, process: int | None) -> None:
        """Learn, once for each time, that the server has ended and is being started again."""

    def resumed(self, process: int | None, seconds: float) -> None:
        """Learn that it runs again, after so many seconds without."""

    def lost(self, error: EmbeddedServerError) -> None:
        """Learn that it can't be had any more, whatever is tried."""


class Supervision:
    """A thread that keeps a started server running, for the length of a ``with`` block.

    Args:
        server: Started already; stopped only after the block.
        observer: Told what happens.
        pauses: Seconds before each try to start it again.
    """

    def __init__(self, server: EmbeddedServer, observer: Observer, *, pauses: Sequence[float] = PAUSES) -> None:
        self._server = server
        self._observer = observer
        self._pauses = pauses
        self._tries = 0
        self._leaving = threading.Event()
        self._ending = ProcessEnding()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Supervision":
        # Asked here and not in the thread: the server may end before that has begun.
        watched = self._server.postmaster_pid()
        self._thread = threading.Thread(
            target=self._supervise, args=(watched,), name="embedded-supervision", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._leaving.set()
        self._ending.interrupt()
        if self._thread is not None:
            self._thread.join()
        self._ending.close()

    def _supervise(self, process: int | None) -> None:
        while not self._leaving.is_set():
            if process is not None and not self._has_ended(process):
                return
            self._observer.ended(process)
            process = self._resume()
            if process is None:
                return

    def _has_ended(self, process: int) -> bool:
        """Wait for the server's end; False where nobody wants to know any more."""
        began = time.monotonic()
        self._ending.wait(process)
        if time.monotonic() - began > STEADY:
            self._tries = 0
        return not self._leaving.is_set()

    def _resume(self) -> int | None:
        began = time.monotonic()
        error = EmbeddedServerError("PostgreSQL ended again and again.")
        while self._tries < len(self._pauses):
            pause, self._tries = self._pauses[self._tries], self._tries + 1
            if self._leaving.wait(pause):
                return None
            try:
                self._server.resume()
            except EmbeddedServerError as refusal:
                error = refusal
                continue
            process = self._server.postmaster_pid()
            if process is not None:
                self._observer.resumed(process, time.monotonic() - began)
                return process
        self._observer.lost(error)
        return None
