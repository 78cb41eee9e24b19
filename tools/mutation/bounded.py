"""Runs a command for so long at the most, and ends it with everything that it has started."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def bounded(
    command: Sequence[str],
    place: Path,
    environment: dict[str, str],
    seconds: float | None,
) -> tuple[int, str] | None:
    """Return a command's exit code and what it said, None where its time was over.

    Args:
        command: The program and its arguments.
        place: The directory to run it in.
        environment: Its environment.
        seconds: For how long it may run; None is as long as it takes.
    """
    process = subprocess.Popen(
        command,
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=None if seconds is None else max(0.0, seconds))
    except subprocess.TimeoutExpired:
        end(process.pid)
        process.communicate()
        return None
    finally:
        end(process.pid)
        process.wait()
    return process.returncode, output


def end(pid: int) -> None:
    """End a process that leads its session, and what it has left behind."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
