"""A target that runs: started fresh, waited for, and stopped with all that it started."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from benchmarks import lineup
from benchmarks.database import BenchDatabase
from benchmarks.lineup import Server
from benchmarks.load import InvalidRun
from benchmarks.seed import identifier

START_TIMEOUT = 60.0
STOP_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers: its process, and its port on this machine."""

    pid: int
    port: int


@contextmanager
def running(
    server: Server, database: BenchDatabase, log: Path, *, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Running]:
    """Start a server, give it once it answers, and stop it.

    Args:
        server: What to start.
        database: What it reads.
        log: A file for what it writes; what was in it is lost.
        settings: Its settings beside those that lead to the database.

    Raises:
        InvalidRun: It ended, or doesn't answer after a minute.
    """
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOMATION_", "PG"))}
    variables = {**inherited, **lineup.environment(server, database), **settings}
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.arguments(port), env=variables, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _await_answer(process, port, database, log)
            yield Running(process.pid, port)
        finally:
            _stop(process)


def _await_answer(process: subprocess.Popen[bytes], port: int, database: BenchDatabase, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    path = f"/api/v1/automation/executions/{identifier('execution 0')}"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(httpx.TransportError):
                if client.get(path, headers={"x-api-key": database.keys.readers[0][0]}).is_success:
                    return
            time.sleep(0.05)
    raise InvalidRun(f"it doesn't answer; {log} says why")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
