"""Real processes of the service: started as an operator starts them, read through their own output, always ended."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from automation.storage.embedded import EmbeddedServer
from tests.plain_http import PLAIN
from tests.system import forked
from tests.system.forked import Started

REPOSITORY = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("automation")
START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
KEPT_LOGS = "AUTOMATION_TEST_KEPT_LOGS"
"""The environment variable of a test run that names a directory, in which the log of every process then stays."""


@dataclass
class Process:
    """One running command of the service, and what it has written so far."""

    popen: Started
    output: Path
    errors: Path
    base_url: str = ""
    demo: Mapping[str, Any] = field(default_factory=dict)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal the process and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.popen.wait(STOP_TIMEOUT)

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the JSON log lines written so far."""
        lines = self.errors.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]


def copy_service(directory: Path) -> Path:
    """Copy the service's files, to plant a fault in; return where they are.

    Their compiled modules come along, for compiling takes longer than all else at a start.
    """
    directory.mkdir(exist_ok=True)
    for package in ("automation", "handlers", "security"):
        shutil.copytree(REPOSITORY / package, directory / package)
    shutil.copy(REPOSITORY / "openapi.yaml", directory)
    return directory


def plant(copy: Path, file: str, right: str, wrong: str) -> None:
    """Replace what is right in a copy of the service, and stands there once, by something wrong."""
    path = copy / file
    text = path.read_text()
    assert text.count(right) == 1, f"{file} has no single place for this fault any more"
    path.write_text(text.replace(right, wrong))


def run_to_end(
    arguments: Sequence[str], variables: Mapping[str, str], *, copy: Path | None = None, timeout: float = 60
) -> "subprocess.CompletedProcess[str]":
    """Run a command of the service, or of a copy of it, which is expected to end by itself, with this environment."""
    with tempfile.TemporaryDirectory() as directory:
        output, errors = Path(directory, "stdout"), Path(directory, "stderr")
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            process = forked.start(arguments, variables, (0, stdout.fileno(), stderr.fileno()), copy=copy)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(arguments, code, output.read_text(), errors.read_text())


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with the service's settings replaced by ``settings``.

    Compiled modules are kept, whatever this environment says: a test starts many processes.
    """
    left_out = ("AUTOMATION_", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**inherited, **settings}


def _start_limited(
    descriptors: int, arguments: Sequence[str], variables: Mapping[str, str], streams: tuple[int, int, int]
) -> Started:
    """Start a command with so many descriptors at the most."""
    command = ["sh", "-c", f'ulimit -n {descriptors} && exec "$0" "$@"', str(COMMAND), *arguments]
    stdin, stdout, stderr = streams
    return subprocess.Popen(command, env=variables, stdin=stdin, stdout=stdout, stderr=stderr)


@contextlib.contextmanager
def running(
    arguments: Sequence[str], settings: Mapping[str, str], *, copy: Path | None = None, descriptors: int | None = None
) -> Iterator[Process]:
    """Run a command of the service, or of a copy of it, until the block ends; it is killed if it won't stop."""
    with tempfile.TemporaryDirectory() as directory:
        output, errors = Path(directory, "stdout"), Path(os.environ.get(KEPT_LOGS, directory), f"{uuid4()}.log")
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            streams = (0, stdout.fileno(), stderr.fileno())
            if descriptors is None:
                popen = forked.start(arguments, environment(settings), streams, copy=copy)
            else:
                popen = _start_limited(descriptors, arguments, environment(settings), streams)
        process = Process(popen, output, errors)
        try:
            yield process
        finally:
            try:
                process.stop()
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
                raise


@contextlib.contextmanager
def serving(
    settings: Mapping[str, str],
    *,
    workers: int = 1,
    copy: Path | None = None,
    port: int = 0,
    descriptors: int | None = None,
) -> Iterator[Process]:
    """Run ``automation serve``, or that of a copy of the service, on a free port or on one, ready for requests."""
    arguments = ["serve", "--port", str(port), "--workers", str(workers)]
    with running(arguments, settings, copy=copy, descriptors=descriptors) as process:
        process.base_url = f"http://127.0.0.1:{port_of(process)}"
        wait_until_alive(process)
        yield process


@contextlib.contextmanager
def demonstrating(settings: Mapping[str, str]) -> Iterator[Process]:
    """Run ``automation demo`` on a free port, ready for requests, with what its demo.json says."""
    report = Path(settings["AUTOMATION_DATA_DIR"], "demo.json")
    with running(["demo", "--port", "0", "--verbose"], settings) as process:
        deadline = time.monotonic() + START_TIMEOUT
        while "The service runs on" not in process.output.read_text():
            _expect_running(process, deadline)
            time.sleep(0.05)
        process.demo = json.loads(report.read_text())
        process.base_url = process.demo["base_url"]
        yield process


def port_of(process: Process) -> int:
    """Wait until the process listens, and return on which port: one that the system chose, so that none is taken."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        with contextlib.suppress(psutil.Error):
            for connection in psutil.Process(process.popen.pid).net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    return int(connection.laddr.port)
        _expect_running(process, deadline)
        time.sleep(0.05)


def wait_until_alive(process: Process) -> None:
    """Wait until the process answers ``/healthz``; with a fault planted in it that may be anything."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{process.base_url}/healthz", **PLAIN)
            return
        _expect_running(process, deadline)
        time.sleep(0.05)


def wait_for_line(process: Process, event: str) -> None:
    """Wait until the process has logged an event."""
    deadline = time.monotonic() + START_TIMEOUT
    while not [line for line in process.log_lines() if line["event"] == event]:
        _expect_running(process, deadline)
        time.sleep(0.05)


def _expect_running(process: Process, deadline: float) -> None:
    if process.popen.poll() is not None or time.monotonic() > deadline:
        raise AssertionError(f"the service did not start:\n{process.errors.read_text()}")


def get_completed_execution(process: Process) -> httpx.Response:
    """Ask a demo for its completed execution, with the reader's key."""
    return httpx.get(
        f"{process.base_url}/api/v1/automation/executions/{process.demo['executions']['completed']}",
        headers={"x-api-key": process.demo["keys"]["reader"]},
        **PLAIN,
        timeout=30,
    )


@contextlib.contextmanager
def own_server(directory: Path, *, durable: bool = False) -> Iterator[EmbeddedServer]:
    """Run an embedded PostgreSQL that no other test uses; nothing of it is left afterwards.

    Where it is killed, only what is ``durable`` is there afterwards for certain.
    """
    server = EmbeddedServer(directory, fast=not durable)
    server.start()
    try:
        yield server
    finally:
        server.discard()


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Freeze a process and all its children for the length of the block."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # one that was ending has ended
            member.suspend()
    try:
        yield
    finally:
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.resume()
