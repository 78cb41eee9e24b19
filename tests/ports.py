"""Ports for what can't choose one itself: nobody else is given the same while the process that asked lives.

They lie below those that the system gives to whoever connects or asks for any: one of these may have another owner by
the time that it is listened on. Each is the first of four, so that neighbours are free as well.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

_FIRST, _APART, _TRIES = 12_000, 4, 1_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_PLACE = Path(tempfile.gettempdir(), f"automation-test-ports-{os.getuid()}")
_held: list[int] = []
"""Open files whose locks say which ports are this process's."""


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on, and that nobody else is given."""
    _PLACE.mkdir(exist_ok=True)
    chosen = range(_FIRST, _first_ephemeral() - _APART, _APART)
    for _ in range(_TRIES):
        port = random.choice(chosen)  # noqa: S311 - any will do
        if _take(port):
            return port
    raise RuntimeError("There is no free port left.")


def _take(port: int) -> bool:
    lock = os.open(_PLACE / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        os.close(lock)
        return False
    _held.append(lock)
    return True


def _first_ephemeral() -> int:
    return int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32_768
