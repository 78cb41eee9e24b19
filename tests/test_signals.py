"""Signals of tests' processes: they have them all, whatever a run was started without."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.signals import deaf

pytestmark = pytest.mark.process

SAY = (
    "import signal; print([number.name for number in signal.valid_signals() if isinstance(number, signal.Signals)"
    " and (signal.getsignal(number) is signal.SIG_IGN or number in signal.pthread_sigmask(signal.SIG_BLOCK, []))])"
)
"""A program that says which signals it wouldn't hear; Python itself ignores two, so that writing can fail instead."""


def test_what_a_test_starts_hears_every_signal() -> None:
    said = subprocess.run([sys.executable, "-c", SAY], stdout=subprocess.PIPE, text=True, check=True).stdout

    assert set(said.strip("[]\n").replace("'", "").split(", ")) <= {"SIGHUP", "SIGPIPE", "SIGXFSZ"}


def test_a_run_that_was_started_deaf_hears_all_the_same() -> None:
    only = f"{__file__}::{test_what_a_test_starts_hears_every_signal.__name__}"
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", only]

    with deaf():
        done = subprocess.run(
            pytest_command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=60, check=False
        )

    assert done.returncode == 0, done.stdout


def test_the_run_itself_hears_again_what_it_was_deaf_to() -> None:
    before = signal.getsignal(signal.SIGINT)

    with deaf():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    assert signal.getsignal(signal.SIGINT) is before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
