"""A database that hesitates for a second or more while requests keep coming: no process hangs on it afterwards."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from automation.storage.embedded import EmbeddedServer
from security.key_format import generate
from tests.plain_http import PLAIN
from tests.system.open_loop import OpenLoop
from tests.system.processes import Process, frozen, own_server, serving

RATE = 400.0
ROUNDS = 10
PAUSE, REST = 1.2, 0.6
"""Longer than a key is remembered, and long enough to be well again."""
LOCKED = 4.0
PATIENCE = 30.0
STOP_SECONDS = 15.0

pytestmark = [
    pytest.mark.timeout(300),  # they load a process for half a minute, and a slow machine works that off
    # Clients that are cut off while they connect leave streams that nobody can close.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass(frozen=True)
class Hesitant:
    """A database that can be made to hesitate, and how to reach it."""

    server: EmbeddedServer
    settings: dict[str, str]
    key: str
    """One that works."""

    def with_another_key(self) -> "Hesitant":
        """Return the same with a new key, which no process knows."""
        return replace(self, key=_new_key(Administration(self.server.start().owner), f"hesitant-{uuid4()}"))

    def load(self, process: Process, rate: float) -> OpenLoop:
        """Return requests for an execution that isn't there, all with one key."""
        return OpenLoop(process.base_url, f"/api/v1/automation/executions/{uuid4()}", {"x-api-key": self.key}, rate)


@pytest.fixture(scope="module")
def hesitant(data_directories: Callable[[str], Path]) -> Iterator[Hesitant]:
    """A database of the tests' own, with one key."""
    directory = data_directories("hesitant")
    settings = {"AUTOMATION_DATABASE_URL": "embedded", "AUTOMATION_DATA_DIR": str(directory)}
    with own_server(directory) as server:
        with serving(settings):
            pass  # the first start migrates
        yield Hesitant(server, settings, _new_key(Administration(server.start().owner), "hesitant"))


def _new_key(administration: Administration, name: str) -> str:
    tenant = administration.create_tenant(name).tenant
    user = administration.create_user(tenant, "operator@example.com", Role.OPERATOR).user
    made = generate()
    administration.create_key(tenant, user, digest=made.digest, prefix=made.prefix)
    return made.plaintext


async def test_pauses_of_the_database_under_open_load_hang_nothing(hesitant: Hesitant) -> None:
    with serving(hesitant.settings) as process:
        load = hesitant.load(process, RATE)
        requests = asyncio.create_task(load.run(ROUNDS * (PAUSE + REST)))
        await asyncio.to_thread(_pause_again_and_again, hesitant.server)
        await requests

        expect_alive(process)
        expect_end(process)
        told = {line["event"] for line in process.log_lines()}

    assert not told & {"event loop hangs, the process ends", "process replaced"}
    assert load.outcomes[404] > 0


@pytest.mark.parametrize("table", ["api_keys", "automation_executions"])
async def test_a_table_that_is_locked_for_a_while_hangs_no_child(hesitant: Hesitant, table: str) -> None:
    unknown = hesitant.with_another_key()
    with serving(hesitant.settings, workers=2) as process:
        load, others = hesitant.load(process, RATE / 2), unknown.load(process, RATE / 10)
        requests = asyncio.create_task(load.run(LOCKED + 2))
        await asyncio.sleep(1)
        with _locked(hesitant.server, table):
            await others.run(LOCKED)
        await requests

        expect_alive(process)
        expect_end(process)
        told = {line["event"] for line in process.log_lines()}

    assert not told & {"event loop hangs, the process ends", "process replaced"}
    assert load.outcomes[404] > 0
    assert others.outcomes[503] > 0  # a key that is known may be served all the while: this one is looked up


def _pause_again_and_again(server: EmbeddedServer) -> None:
    for _ in range(ROUNDS):
        time.sleep(REST)
        with frozen(server.postmaster_pid() or 0):
            time.sleep(PAUSE)


@contextlib.contextmanager
def _locked(server: EmbeddedServer, table: str) -> Iterator[None]:
    with psycopg.connect(server.start().admin, dbname="automation") as blocker:
        blocker.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        yield


def expect_alive(process: Process) -> None:
    """Check that new connections are answered within a second, once a slow machine has done what was left to do."""
    deadline = time.monotonic() + PATIENCE
    answers = 0
    while answers < 20:
        assert time.monotonic() < deadline
        with contextlib.suppress(httpx.TimeoutException):
            answers += httpx.get(f"{process.base_url}/healthz", **PLAIN, timeout=1).status_code == 200


def expect_end(process: Process) -> None:
    """Check that a signal ends the process in order and in time."""
    began = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - began < STOP_SECONDS
