"""Signals as whoever starts a process leaves them: what the service relies on, it sets itself."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.system.processes import COMMAND, START_TIMEOUT, STOP_TIMEOUT, environment

READY: Mapping[str, str] = {
    "serve": "Serving on",
    "worker": "Running executions",
    "demo": "The service runs on",
}
"""What each command that runs until it is stopped says when it is ready."""

STARTS = (
    *itertools.product(("serve", "worker"), ("ignored", "blocked"), (signal.SIGTERM, signal.SIGINT)),
    ("demo", "ignored", signal.SIGINT),
    ("demo", "blocked", signal.SIGTERM),
)

LAUNCHER = """
import os, signal, sys

how, number, *command = sys.argv[1:]
if how == "ignored":
    signal.signal(int(number), signal.SIG_IGN)
elif how == "blocked":
    signal.pthread_sigmask(signal.SIG_BLOCK, {int(number)})
else:
    signal.signal(int(number), signal.SIG_DFL)  # as in a terminal, also where the run outlives its own
os.execv(command[0], command)
"""


@contextlib.contextmanager
def started(
    command: str, how: str, number: signal.Signals, settings: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command, ready, that was started with a signal ignored, blocked, or heard."""
    arguments: Sequence[str] = [sys.executable, "-c", LAUNCHER, how, str(int(number)), str(COMMAND), command]
    environ = environment({**settings, "AUTOMATION_PORT": "0"})
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environ)
        try:
            deadline = time.monotonic() + START_TIMEOUT
            while READY[command].encode() not in os.pread(output.fileno(), 65536, 0):
                assert process.poll() is None, os.pread(errors.fileno(), 65536, 0).decode()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(("command", "how", "number"), STARTS)
def test_a_signal_stops_what_was_started_without_it(
    settings: dict[str, str], command: str, how: str, number: signal.Signals
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
