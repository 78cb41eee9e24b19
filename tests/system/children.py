"""Children of ``serve --workers``: the processes that answer requests, and what their parent tells of them."""

import contextlib
import time
from typing import Any

import psutil

from tests.system.processes import Process

PATIENCE = 30.0


def lines_of(process: Process, event: str) -> list[dict[str, Any]]:
    """Return the log lines of an event."""
    return [line for line in process.log_lines() if line["event"] == event]


def children_of(process: Process) -> list[psutil.Process]:
    """Return the processes that answer or are about to, without multiprocessing's own and those that have ended."""
    parent = psutil.Process(process.popen.pid)
    command = parent.cmdline()
    return [child for child in parent.children() if _answers(child, command)]


def await_children(process: Process, count: int) -> list[psutil.Process]:
    """Wait until there are so many, and return them."""
    deadline = time.monotonic() + PATIENCE
    while len(children := children_of(process)) != count:
        assert process.popen.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return children


def wait_until_it_serves(process: Process, pid: int) -> None:
    """Wait until a child answers requests, as its parent tells."""
    deadline = time.monotonic() + PATIENCE
    while pid not in {line["pid"] for line in lines_of(process, "process serves")}:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _answers(child: psutil.Process, command: list[str]) -> bool:
    """Say whether it is a fork of its parent, or a program that multiprocessing has started for it."""
    with contextlib.suppress(psutil.Error):  # it has ended
        own = child.cmdline()
        return own == command or "spawn_main" in " ".join(own)
    return False
