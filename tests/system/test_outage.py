"""Clients are told while the database is away, and nothing but its return is needed afterwards."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer
from tests.plain_http import PLAIN
from tests.system.processes import Process, demonstrating, frozen, get_completed_execution, own_server

LONGEST_ANSWER = 5.0
LONGEST_RECOVERY = 10.0


@pytest.fixture(scope="module")
def outage(data_directories: Callable[[str], Path]) -> Iterator[tuple[Process, EmbeddedServer]]:
    """A service on an embedded PostgreSQL of its own, and that server's handle."""
    directory = data_directories("outage")
    with own_server(directory) as server:
        settings = {
            "AUTOMATION_DATABASE_URL": "embedded",
            "AUTOMATION_DATA_DIR": str(directory),
            "AUTOMATION_POOL_MIN": "2",
            "AUTOMATION_POOL_MAX": "4",
        }
        with demonstrating(settings) as process:
            yield process, server


def ask(process: Process) -> tuple[httpx.Response, float]:
    """Ask for the completed execution; return the answer and the seconds it took."""
    began = time.monotonic()
    response = get_completed_execution(process)
    return response, time.monotonic() - began


def seconds_until_answered(process: Process) -> float:
    """Return how long it takes until a request is answered 200 again."""
    began = time.monotonic()
    while ask(process)[0].status_code != httpx.codes.OK:
        assert time.monotonic() - began < LONGEST_RECOVERY
        time.sleep(0.1)
    return time.monotonic() - began


def expect_unavailable(process: Process) -> None:
    """Check that the service says that it is not available, in time."""
    response, seconds = ask(process)
    assert response.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert response.json()["code"] == "unavailable"
    assert int(response.headers["retry-after"]) >= 1
    assert seconds < LONGEST_ANSWER


def test_a_stopped_database_is_503_and_its_return_is_noticed(outage: tuple[Process, EmbeddedServer]) -> None:
    process, server = outage

    server.halt(held=True)
    expect_unavailable(process)
    ready = httpx.get(f"{process.base_url}/readyz", **PLAIN, timeout=30)
    alive = httpx.get(f"{process.base_url}/healthz", **PLAIN)
    server.resume()

    assert ready.status_code == 503
    assert alive.status_code == 200
    assert seconds_until_answered(process) < LONGEST_RECOVERY
    assert httpx.get(f"{process.base_url}/readyz", **PLAIN).status_code == 200


def test_a_database_that_restarts_costs_no_more_than_a_moment(outage: tuple[Process, EmbeddedServer]) -> None:
    process, server = outage

    server.halt()
    server.resume()

    assert seconds_until_answered(process) < LONGEST_RECOVERY


def test_a_frozen_database_is_503_and_never_a_hang(outage: tuple[Process, EmbeddedServer]) -> None:
    process, server = outage
    time.sleep(1.1)  # longer than an accepted key is remembered

    with frozen(server.postmaster_pid() or 0):
        expect_unavailable(process)

    assert seconds_until_answered(process) < LONGEST_RECOVERY


def test_an_exhausted_pool_is_503_and_never_a_hang(outage: tuple[Process, EmbeddedServer]) -> None:
    process, server = outage

    with psycopg.connect(server.start().admin, dbname="automation") as blocker, ThreadPoolExecutor(12) as clients:
        blocker.execute("LOCK TABLE automation_executions IN ACCESS EXCLUSIVE MODE")
        answers = list(clients.map(ask, [process] * 12))

    assert {response.status_code for response, _ in answers} == {503}
    assert {response.json()["code"] for response, _ in answers} == {"unavailable"}
    assert max(seconds for _, seconds in answers) < LONGEST_ANSWER
    assert seconds_until_answered(process) < LONGEST_RECOVERY


def test_the_outage_is_logged_without_a_secret(outage: tuple[Process, EmbeddedServer]) -> None:
    process, _ = outage

    written = Path(process.errors).read_text()

    assert '"status":503' in written
    assert not [key for key in process.demo["keys"].values() if key in written]
