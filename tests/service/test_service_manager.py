"""A service manager is told of the service's state, at a socket as systemd has it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from automation.service.service_manager import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """Where a service manager listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"{tmp_path}/notify" if request.param == "path" else f"\0{uuid4()}")
        listener.settimeout(10)
        yield listener


def address_of(listener: socket.socket) -> str:
    name = listener.getsockname()
    return name if isinstance(name, str) else f"@{name[1:].decode()}"


def test_start_and_stop_are_told(listener: socket.socket) -> None:
    manager = ServiceManager.of_this_process({"NOTIFY_SOCKET": address_of(listener)})

    manager.ready()
    manager.alive()
    manager.stopping()

    assert [listener.recv(100), listener.recv(100)] == [b"READY=1", b"STOPPING=1"]


def test_life_is_told_twice_in_the_time_that_is_allowed_and_not_more_often(listener: socket.socket) -> None:
    day = 24 * 3600 * 1_000_000
    manager = ServiceManager.of_this_process({"NOTIFY_SOCKET": address_of(listener), "WATCHDOG_USEC": str(day)})
    eager = ServiceManager(address_of(listener), 0.0)

    for _ in range(3):
        manager.alive()
    eager.alive()
    eager.alive()
    manager.stopping()

    assert [listener.recv(100) for _ in range(4)] == [b"WATCHDOG=1"] * 3 + [b"STOPPING=1"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1", "WATCHDOG_PID": str(os.getpid() + 1)},
    ],
)
def test_life_is_not_told_to_whom_it_does_not_concern(listener: socket.socket, environment: dict[str, str]) -> None:
    manager = ServiceManager.of_this_process({"NOTIFY_SOCKET": address_of(listener), **environment})

    manager.alive()
    manager.stopping()

    assert listener.recv(100) == b"STOPPING=1"


def test_children_do_not_inherit_whom_to_tell() -> None:
    environment = {"NOTIFY_SOCKET": "@one", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}

    ServiceManager.of_this_process(environment)

    assert environment == {"PATH": "/bin"}


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "@nobody", "vsock:2:1234"])
def test_nobody_who_listens_is_no_fault(address: str | None) -> None:
    manager = ServiceManager.of_this_process({} if address is None else {"NOTIFY_SOCKET": address})

    manager.ready()
    manager.stopping()
