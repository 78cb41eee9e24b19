"""A Redis of the benchmark's own, on a socket in a directory of its own: no service of the system is touched."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "redis-server"
_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Broker:
    """A Redis that answers: where, and its process."""

    url: str
    pid: int


def is_there() -> bool:
    """Say whether the program is installed."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def redis() -> Iterator[Broker]:
    """Run a Redis that writes nothing to the disk.

    Raises:
        RuntimeError: It doesn't start.
    """
    with tempfile.TemporaryDirectory(prefix="automation-bench-") as directory:
        socket = Path(directory) / "redis.sock"
        options = ("--port", "0", "--unixsocket", str(socket), "--dir", directory, "--save", "", "--appendonly", "no")
        with subprocess.Popen([PROGRAM, *options], stdout=subprocess.DEVNULL) as process:
            try:
                _await(socket, process)
                yield Broker(f"redis+socket://{socket}", process.pid)
            finally:
                process.terminate()


def _await(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{PROGRAM} doesn't start")
        time.sleep(0.02)
