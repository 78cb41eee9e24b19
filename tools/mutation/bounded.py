"""Runs a command for so long at the most, and ends it with everything that it has started."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path


def bounded(
    command: Sequence[str],
    place: Path,
    environment: dict[str, str],
    seconds: float | None,
    preexec_fn: Callable[[], None] | None = None,
) -> tuple[int, str] | None:
    """Return a command's exit code and what it said, None where its time was over.

    Args:
        command: The program and its arguments.
        place: The directory to run it in.
        environment: Its environment.
        seconds: For how long it may run; None is as long as it takes.
        preexec_fn: What its process does before it becomes the program.
    """
    process = subprocess.Popen(
        command,
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=preexec_fn,  # noqa: PLW1509 -- this program has no other threads that hold a lock
    )
    try:
        output, _ = process.communicate(timeout=None if seconds is None else max(0.0, seconds))
    except subprocess.TimeoutExpired:
        _end(process)
        process.communicate()
        return None
    finally:
        _end(process)
    return process.returncode, output


def _end(process: "subprocess.Popen[str]") -> None:
    """End a command and what it has left behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
