"""Ctrl-C in front of the demo: at every moment it stops, says only that, and leaves nothing behind that runs."""

import os
import pty
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.system import forked
from tests.system.forked import Started
from tests.system.processes import START_TIMEOUT, STOP_TIMEOUT, environment

MOMENTS = (
    "Creating the database",
    "Migrating the database",
    "Writing tenants, keys and rules",
    "Starting the service and a worker",
    "Running the sample rules",
    "Log of the service",
)
"""What the demo has just written when it is stopped, in the order in which one start after the other gets there."""


class Terminal:
    """A terminal in whose foreground the demo runs, alone in its process group."""

    def __init__(self, started: Started, descriptor: int) -> None:
        self.started = started
        self.process = psutil.Process(started.pid)
        self.shown = ""
        self._descriptor = descriptor

    def read_until(self, text: str) -> None:
        """Wait until something is shown."""
        deadline = time.monotonic() + START_TIMEOUT
        while text not in self.shown:
            assert self._read(), f"the demo ended:\n{self.shown}"
            assert time.monotonic() < deadline, self.shown

    def press_ctrl_c(self) -> None:
        """Interrupt the whole process group, as the terminal does."""
        os.write(self._descriptor, b"\x03")

    def read_to_the_end(self) -> None:
        """Wait until nobody has the terminal open any more."""
        deadline = time.monotonic() + STOP_TIMEOUT
        while self._read():
            assert time.monotonic() < deadline, self.shown

    def _read(self) -> bool:
        """Read what is there, and say whether more can follow."""
        readable, _, _ = select.select([self._descriptor], [], [], 0.1)
        if not readable:
            return True
        with suppress(OSError):  # Linux's way of saying that nobody has it open
            if chunk := os.read(self._descriptor, 65536):
                self.shown += chunk.decode(errors="replace")
                return True
        return False


def interrupt(terminal: Terminal) -> None:
    terminal.press_ctrl_c()


def interrupt_twice(terminal: Terminal) -> None:
    terminal.press_ctrl_c()
    time.sleep(0.05)
    terminal.press_ctrl_c()


def terminate(terminal: Terminal) -> None:
    terminal.process.terminate()


@contextmanager
def demo_in_front(directory: Path) -> Iterator[Terminal]:
    """Run the demo in a terminal of its own; it is killed if it hasn't ended with the block."""
    settings = {"AUTOMATION_DATA_DIR": str(directory), "TERM": "xterm", "COLUMNS": "80"}
    descriptor, its_own = pty.openpty()
    started = forked.start(["demo", "--port", "0"], environment(settings), [its_own] * 3, in_front=True)
    os.close(its_own)
    try:
        yield Terminal(started, descriptor)
    finally:
        started.kill()
        started.wait(STOP_TIMEOUT)
        os.close(descriptor)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stop", [interrupt, interrupt_twice, terminate])
def test_it_stops_in_order_at_every_moment_and_says_no_more_than_that(
    embedded_directory: Path, stop: Callable[[Terminal], None]
) -> None:
    for moment in MOMENTS:
        with demo_in_front(embedded_directory) as terminal:
            terminal.read_until(moment)
            family = terminal.process.children(recursive=True)
            before = len(terminal.shown)

            stop(terminal)
            terminal.read_to_the_end()
            code = terminal.started.wait(STOP_TIMEOUT)

        _, alive = psutil.wait_procs(family, timeout=5)
        said = terminal.shown[before:]
        assert code == 0, (moment, said)
        assert alive == [], moment
        assert said.count("Stopping ...") <= 1, said
        assert "Traceback" not in said, said
        assert "rror" not in said, said
        assert "Traceback" not in (embedded_directory / "demo.log").read_text(), moment
        assert not list(embedded_directory.glob("*.incomplete")), moment
