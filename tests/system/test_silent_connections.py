"""Clients that are silent, slow or too many: each is bounded, and the others are answered."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.system.processes import Process, serving, wait_for_line

PATIENCE = 20.0
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
RULES = b"POST /api/v1/automation/rules HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
POST = RULES + b"Content-Length: 1000\r\n\r\n"
LARGE = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
DEADLINES = {
    "AUTOMATION_FIRST_BYTE_TIMEOUT": "1",
    "AUTOMATION_IDLE_TIMEOUT": "1",
    "AUTOMATION_BODY_TIMEOUT": "1",
    "AUTOMATION_WRITE_TIMEOUT": "1",
}
MOST, MOST_PER_ADDRESS = 20, 5

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def hasty(session_settings: dict[str, str]) -> Iterator[Process]:
    """A process whose deadlines are short."""
    with serving(session_settings | DEADLINES) as process:
        yield process


@pytest.fixture(scope="module")
def narrow(session_settings: dict[str, str]) -> Iterator[Process]:
    """A process that takes few connections."""
    limits = {
        "AUTOMATION_MAX_CONNECTIONS": str(MOST),
        "AUTOMATION_MAX_CONNECTIONS_PER_ADDRESS": str(MOST_PER_ADDRESS),
    }
    with serving(session_settings | limits) as process:
        yield process


def connect(process: Process, source: str = "127.0.0.1") -> socket.socket:
    url = httpx.URL(process.base_url)
    return socket.create_connection((url.host, url.port or 0), timeout=PATIENCE, source_address=(source, 0))


def read(connection: socket.socket) -> bytes:
    """Return all that comes until the server ends the connection, in whatever way."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def trickle(connection: socket.socket) -> None:
    """Send a byte now and then."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        connection.sendall(b" ")
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("sent", "answers"),
    [(b"", 0), (GET, 1), (POST, 0), (POST + b"{", 0)],
    ids=["nothing at all", "no further request", "no body", "a body that stops"],
)
def test_who_is_silent_is_waited_for_no_longer_than_is_set(hasty: Process, sent: bytes, answers: int) -> None:
    with connect(hasty) as connection:
        connection.sendall(sent)

        received = read(connection)

    assert received.count(b"HTTP/1.1 200 ") == answers


def test_a_body_that_trickles_is_not_waited_for(hasty: Process) -> None:
    with connect(hasty) as connection:
        connection.sendall(POST)

        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            trickle(connection)


def test_who_never_reads_is_left(hasty: Process) -> None:
    with socket.socket() as connection:
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = httpx.URL(hasty.base_url)
        connection.connect((url.host, url.port or 0))
        asked = 400
        connection.sendall(LARGE * asked)
        time.sleep(4)

        received = read(connection)

    assert 0 < received.count(b"HTTP/1.1 200 ") < asked


def test_who_reads_slowly_but_steadily_gets_all(hasty: Process) -> None:
    with connect(hasty) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(LARGE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        received = b""
        while piece := connection.recv(8192):
            received += piece
            time.sleep(0.05)

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["openapi"]


def test_an_address_has_its_share_of_connections_and_no_more(narrow: Process) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_PER_ADDRESS):
            stack.enter_context(connect(narrow, "127.0.0.2")).sendall(GET)
        one_more = stack.enter_context(connect(narrow, "127.0.0.2"))
        other = stack.enter_context(connect(narrow, "127.0.0.3"))
        other.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        refused, answered = read(one_more), read(other)

    head, _, body = refused.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in head
    assert b"retry-after: 1" in head
    assert json.loads(body)["code"] == "unavailable"
    assert answered.startswith(b"HTTP/1.1 200 ")
    wait_for_line(narrow, "connections refused")


def test_near_the_most_connections_answers_ask_to_leave_and_beyond_it_none_is_taken(narrow: Process) -> None:
    with contextlib.ExitStack() as stack:
        sources = [f"127.0.1.{1 + number // MOST_PER_ADDRESS}" for number in range(MOST)]
        connections = [stack.enter_context(connect(narrow, source)) for source in sources]
        one_more = stack.enter_context(connect(narrow, "127.0.2.1"))

        refused = read(one_more)
        connections[0].sendall(GET)
        last = read(connections[0])

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert last.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in last


def test_places_are_free_again_when_connections_end(narrow: Process) -> None:
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            for _ in range(MOST_PER_ADDRESS):
                connection = stack.enter_context(connect(narrow, "127.0.3.1"))
                connection.sendall(GET)
                assert connection.recv(12) == b"HTTP/1.1 200"
        deadline = time.monotonic() + PATIENCE
        while not asked(narrow, "127.0.3.1"):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def asked(process: Process, source: str) -> bool:
    """Return whether an address is answered."""
    with connect(process, source) as connection:
        connection.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return read(connection).startswith(b"HTTP/1.1 200 ")
