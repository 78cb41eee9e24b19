"""Waits for the end of a process that may be nobody's child: told by the kernel where it can, else looked after."""

import os
import selectors
import threading
from contextlib import suppress

INTERVAL = 0.25
"""Seconds between two looks where the kernel doesn't tell."""


class ProcessEnding:
    """A wait for the end of one process after the other, which another thread can interrupt for good."""

    def __init__(self) -> None:
        self._interrupted = threading.Event()
        self._receiver, self._sender = os.pipe()

    def wait(self, process: int) -> None:
        """Wait until a process has ended, or until the wait is interrupted."""
        if not hasattr(os, "pidfd_open"):
            self._look_after(process)
            return
        try:
            descriptor = os.pidfd_open(process)
        except ProcessLookupError:
            return
        except OSError:  # not every kernel has it, and not every container allows it
            self._look_after(process)
            return
        try:
            self._select(descriptor)
        finally:
            os.close(descriptor)

    def interrupt(self) -> None:
        """End the wait, and every later one."""
        self._interrupted.set()
        os.write(self._sender, b"!")

    def close(self) -> None:
        """Close the file descriptors."""
        os.close(self._receiver)
        os.close(self._sender)

    def _select(self, descriptor: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            selector.register(self._receiver, selectors.EVENT_READ)
            selector.select()

    def _look_after(self, process: int) -> None:
        with suppress(ProcessLookupError):
            while not self._interrupted.wait(INTERVAL):
                with suppress(PermissionError):  # it lives, and is another user's
                    os.kill(process, 0)
