"""Signals as whoever starts a process leaves them: what the service relies on, it sets itself."""

import contextlib
import itertools
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.system import forked
from tests.system.forked import How, Started
from tests.system.processes import START_TIMEOUT, STOP_TIMEOUT, environment

READY: Mapping[str, str] = {
    "serve": "Serving on",
    "worker": "Running executions",
    "demo": "The service runs on",
}
"""What each command that runs until it is stopped says when it is ready."""

DEAF: tuple[How, How] = ("ignored", "blocked")
STARTS: tuple[tuple[str, How, signal.Signals], ...] = (
    *itertools.product(("serve", "worker"), DEAF, (signal.SIGTERM, signal.SIGINT)),
    ("demo", "ignored", signal.SIGINT),
    ("demo", "blocked", signal.SIGTERM),
)


@contextlib.contextmanager
def started(command: str, how: How, number: signal.Signals, settings: Mapping[str, str]) -> Iterator[Started]:
    """Run a command, ready, that was started with a signal ignored, blocked, or heard."""
    environ = environment({**settings, "AUTOMATION_PORT": "0"})
    with Path(os.devnull).open("rb") as nothing, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        streams = (nothing.fileno(), output.fileno(), errors.fileno())
        process = forked.start([command], environ, streams, signals={number: how})
        try:
            deadline = time.monotonic() + START_TIMEOUT
            while READY[command].encode() not in os.pread(output.fileno(), 65536, 0):
                assert process.poll() is None, os.pread(errors.fileno(), 65536, 0).decode()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait(STOP_TIMEOUT)


@pytest.mark.parametrize(("command", "how", "number"), STARTS)
def test_a_signal_stops_what_was_started_without_it(
    settings: dict[str, str], command: str, how: How, number: signal.Signals
) -> None:
    with started(command, how, number, settings) as process:
        process.send_signal(number)

        code = process.wait(STOP_TIMEOUT)

    assert code == 0


@pytest.mark.parametrize("command", READY)
def test_a_terminal_that_is_closed_stops_it_in_order(settings: dict[str, str], command: str) -> None:
    with started(command, "heard", signal.SIGHUP, settings) as process:
        process.send_signal(signal.SIGHUP)

        code = process.wait(STOP_TIMEOUT)

    assert code == 0


@pytest.mark.parametrize("command", READY)
def test_nohup_keeps_it_running(settings: dict[str, str], command: str) -> None:
    with started(command, "ignored", signal.SIGHUP, settings) as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)

        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_TIMEOUT)

    assert code == 0
