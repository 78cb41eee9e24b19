"""Requests that are sent twice are done once: at one moment at two processes, and across the death of either side."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest

from automation.storage import migration
from automation.storage.accounts.administration import Administration
from automation.storage.embedded import EmbeddedServer
from tests.plain_http import PLAIN
from tests.system.problems import problem_of
from tests.system.processes import Process, frozen, own_server, serving
from tests.system.tenancy import RULES, Tenant, new_tenant

DEADLINE = 30.0


@dataclass(frozen=True)
class Pair:
    """Two processes of the service on one database server, which is theirs alone."""

    server: EmbeddedServer
    processes: tuple[Process, Process]
    tenant: Tenant

    def execute(self, process: Process, rule: str, key: str) -> httpx.Response:
        """Ask one of the processes to execute a rule; what is no answer at all is a 599."""
        headers = {"x-api-key": self.tenant.key, "idempotency-key": key}
        try:
            return httpx.post(f"{process.base_url}{RULES}/{rule}/execute", headers=headers, **PLAIN, timeout=DEADLINE)
        except httpx.TransportError as error:
            return httpx.Response(599, text=repr(error))

    def executed(self, rule: str) -> int:
        """Return how many executions a rule has."""
        with self.admin() as admin:
            row = admin.execute(
                "SELECT count(*) FROM automation_executions WHERE automation_rule_id = %s", (rule,)
            ).fetchone()
        assert row is not None
        return int(row[0])

    def admin(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.server.start().admin, dbname="automation", autocommit=True)

    def repeat(self, process: Process, rule: str, key: str) -> httpx.Response:
        """Repeat a request as a client is told to, until it is answered."""
        deadline = time.monotonic() + DEADLINE
        while (answer := self.execute(process, rule, key)).status_code in {409, 503, 599}:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)
        return answer


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two processes and their database."""
    directory = tmp_path_factory.mktemp("once")
    with own_server(directory, durable=True) as server, contextlib.ExitStack() as stack:
        urls = server.start()
        migration.upgrade(urls.owner)
        settings = {"AUTOMATION_DATABASE_URL": urls.api, "AUTOMATION_DATA_DIR": str(directory)}
        first, second = (stack.enter_context(serving(settings)) for _ in range(2))
        client = stack.enter_context(httpx.Client(base_url=second.base_url, **PLAIN))
        yield Pair(server, (first, second), new_tenant(client, Administration(urls.owner)))


@pytest.fixture
def rule(pair: Pair) -> str:
    """A rule that can be executed."""
    return str(pair.tenant.create_rule()["rule_id"])


def test_at_the_same_moment_at_two_processes_it_is_done_once(pair: Pair, rule: str) -> None:
    keys = [str(uuid4()) for _ in range(20)]
    together = threading.Barrier(4)

    def send(number: int) -> list[httpx.Response]:
        answers = []
        for key in keys:
            together.wait(DEADLINE)
            answers.append(pair.execute(pair.processes[number % 2], rule, key))
        return answers

    with ThreadPoolExecutor(4) as clients:
        answered = list(clients.map(send, range(4)))

    assert pair.executed(rule) == len(keys)
    for answers in zip(*answered, strict=True):
        assert {answer.status_code for answer in answers} <= {202, 409}
        assert len({answer.content for answer in answers if answer.status_code == 202}) == 1
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_in_flight"}


@contextlib.contextmanager
def held_before_its_commit(pair: Pair, rule: str, key: str) -> Iterator[Process]:
    """Have the first process execute a rule, and keep it between the effect and the answer for the block."""
    with ThreadPoolExecutor(1) as client, pair.admin() as admin, admin.transaction():
        admin.execute("LOCK TABLE idempotency_records IN SHARE MODE")
        sent = client.submit(pair.execute, pair.processes[0], rule, key)
        wait_for_lock(admin)
        yield pair.processes[0]
        assert sent.result(DEADLINE).status_code in {503, 599}


def wait_for_lock(admin: "psycopg.Connection[Any]") -> int:
    """Wait until somebody waits for a lock, and return the process of the database that does."""
    deadline = time.monotonic() + DEADLINE
    while not (waiting := admin.execute("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(waiting[0][0])


def kill(server: EmbeddedServer) -> None:
    """Kill all processes of a server at once, and wait until they are gone.

    Left alone, its children would end one after the other, and whoever waits for the lock of one before it would go on.
    """
    process = psutil.Process(server.postmaster_pid())
    family = [process, *process.children(recursive=True)]
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    _, alive = psutil.wait_procs(family, timeout=DEADLINE)
    assert not alive


def test_across_the_death_of_the_database_between_effect_and_answer(pair: Pair, rule: str) -> None:
    key = str(uuid4())

    with contextlib.suppress(psycopg.OperationalError), held_before_its_commit(pair, rule, key):
        kill(pair.server)
    pair.server.resume()
    answer = pair.repeat(pair.processes[0], rule, key)

    assert answer.status_code == 202
    assert pair.executed(rule) == 1
    assert pair.repeat(pair.processes[1], rule, key).content == answer.content


def test_what_a_frozen_database_left_open_is_found_out_by_repeating_it(pair: Pair, rule: str) -> None:
    keys = [str(uuid4()) for _ in range(60)]
    process = pair.processes[1]
    pair.repeat(process, rule, str(uuid4()))

    with ThreadPoolExecutor(20) as clients:
        with frozen(pair.server.postmaster_pid() or 0):
            unanswered = list(clients.map(lambda key: pair.execute(process, rule, key), keys))
        answers = list(clients.map(lambda key: pair.repeat(process, rule, key), keys))

    assert {answer.status_code for answer in unanswered} == {503}
    assert {answer.json()["code"] for answer in unanswered} <= {"unavailable", "outcome_unknown"}
    assert {answer.status_code for answer in answers} == {202}
    assert pair.executed(rule) == len(keys) + 1


def test_what_was_sent_without_a_key_is_said_to_be_open_where_nobody_knows(pair: Pair, rule: str) -> None:
    path = f"{pair.processes[1].base_url}{RULES}/{rule}/execute"
    pair.repeat(pair.processes[1], rule, str(uuid4()))

    with ThreadPoolExecutor(1) as client, pair.admin() as admin, admin.transaction():
        admin.execute("LOCK TABLE automation_executions IN SHARE MODE")
        sent = client.submit(httpx.post, path, headers={"x-api-key": pair.tenant.key}, **PLAIN, timeout=30)
        with frozen(wait_for_lock(admin)):
            problem = problem_of(sent.result(DEADLINE), 503, "outcome_unknown")

    assert "before you send it again" in problem["detail"]


def test_across_the_death_of_a_process_between_effect_and_answer(pair: Pair, rule: str) -> None:
    key = str(uuid4())

    with held_before_its_commit(pair, rule, key) as process:
        process.popen.kill()
    answer = pair.repeat(pair.processes[1], rule, key)

    assert answer.status_code == 202
    assert pair.executed(rule) == 1


def test_an_answer_that_got_lost_is_fetched_again(pair: Pair, rule: str) -> None:
    key = str(uuid4())
    process = pair.processes[1]
    first = pair.execute(process, rule, key)

    again = pair.repeat(process, rule, key)

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert pair.executed(rule) == 1
