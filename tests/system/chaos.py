"""Executions under fire: real servers and workers, workers that are killed and frozen, and an account of every write.

What is asked of them in the end: every execution is completed, none was lost, each call was seen by its receiver, with
one key however often it came, and nobody but the holder of a claim wrote under it.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from security import key_format
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import OK, Receiver, receiving
from tests.engine.workers import worker_settings
from tests.plain_http import PLAIN
from tests.system.processes import Process, running, serving, wait_for_line

_ACCOUNT = """
CREATE TABLE account (execution_id uuid, fence bigint, writer text);
CREATE FUNCTION account() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF to_jsonb(NEW) - 'due_at' IS DISTINCT FROM to_jsonb(OLD) - 'due_at' THEN
        INSERT INTO public.account VALUES (NEW.execution_id, NEW.fence, current_setting('application_name'));
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER account AFTER UPDATE ON automation_executions FOR EACH ROW EXECUTE FUNCTION account();
"""
_CHANCE = random.Random()  # noqa: S311 - nothing depends on nobody guessing it
_CALL = {"execution": "${execution.execution_id}", "call": 0}


@dataclass(frozen=True)
class Plan:
    """How much of everything; times are in seconds."""

    executions: int
    per_second: float
    rounds: int
    kills_in_a_round: int
    freeze: float
    lease: int = 15
    workers: int = 3
    concurrency: int = 8
    within: float = 240.0


@dataclass
class Result:
    """What came of it."""

    executions: Mapping[str, tuple[str, int, int, int]]
    calls: Mapping[tuple[str, int], list[str]]
    writers: Mapping[tuple[str, int], set[str]]
    told: Mapping[str, Counter[str]]
    lost: int
    kills: int
    freezes: int
    seconds: float

    def summary(self) -> str:
        """Return the figures, on one line."""
        repeated = sum(len(keys) - 1 for keys in self.calls.values())
        takeovers = sum(fence - 1 for _, _, _, fence in self.executions.values())
        statuses = dict(Counter(status for status, *_ in self.executions.values()))
        return (
            f"{len(self.executions)} executions in {self.seconds:.0f} s: {statuses}; {self.kills} kills, "
            f"{self.freezes} freezes, {takeovers} takeovers, {repeated} of {len(self.calls)} calls repeated, "
            f"{self.lost} runs broken off by their fence"
        )


@dataclass
class Fleet:
    """The workers, of which some die and some freeze."""

    settings: Mapping[str, str]
    concurrency: int
    stack: AsyncExitStack
    alive: list[Process] = field(default_factory=list)
    all: list[Process] = field(default_factory=list)
    kills: int = 0
    freezes: int = 0

    def hire(self) -> Process:
        """Start one more worker."""
        arguments = ["worker", "--concurrency", str(self.concurrency)]
        worker = self.stack.enter_context(running(arguments, self.settings))
        self.alive.append(worker)
        self.all.append(worker)
        return worker

    def kill(self, worker: Process) -> None:
        """Kill a worker and start another one in its place."""
        worker.popen.kill()
        self.alive.remove(worker)
        self.kills += 1
        self.hire()

    async def freeze(self, worker: Process, seconds: float) -> None:
        """Stop a worker for a while."""
        os.kill(worker.popen.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(worker.popen.pid, signal.SIGCONT)
        self.freezes += 1


async def run(plan: Plan, urls: DatabaseUrls, settings: Mapping[str, str]) -> Result:
    """Run executions through two servers and some workers while these are killed and frozen."""
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute(_ACCOUNT)
    key = _key(urls)
    # Chance may kill whichever worker has an execution, again and again: none is to be given up for that.
    environment = {
        **worker_settings(urls),
        "AUTOMATION_LEASE": str(plan.lease),
        "AUTOMATION_MAX_LOST_WORKERS": str(plan.executions),
    }
    async with receiving() as receiver, AsyncExitStack() as stack, httpx.AsyncClient(**PLAIN) as client:
        receiver.answer = _answer
        client.headers["x-api-key"] = key
        servers = [await asyncio.to_thread(stack.enter_context, serving(settings)) for _ in range(2)]
        fleet = Fleet(environment, plan.concurrency, stack)
        for _ in range(plan.workers):
            await asyncio.to_thread(wait_for_line, fleet.hire(), "worker started")
        began = time.monotonic()
        async with asyncio.timeout(plan.within):
            created, _ = await asyncio.gather(
                _create(plan, client, [server.base_url for server in servers], receiver), _torment(plan, fleet)
            )
            await _until_ended(urls, created)
        seconds = time.monotonic() - began
        return _result(urls, created, receiver, fleet, seconds=seconds)


async def _create(plan: Plan, client: httpx.AsyncClient, servers: list[str], receiver: Receiver) -> set[str]:
    """Create the executions at an even pace, now through one server, now through the other."""
    rule = await client.post(f"{servers[0]}/api/v1/automation/rules", json=_rule(receiver))
    rule.raise_for_status()
    path = rule.json()["data"]["_links"]["execute"]["href"]
    created = set()
    for number in range(plan.executions):
        answer = await client.post(f"{servers[number % 2]}{path}", json={"trigger_data": {"number": number}})
        answer.raise_for_status()
        created.add(answer.json()["data"]["execution_id"])
        await asyncio.sleep(1 / plan.per_second)
    return created


async def _torment(plan: Plan, fleet: Fleet) -> None:
    """Freeze one worker per round for longer than a lease, and kill others meanwhile."""
    for _ in range(plan.rounds):
        await asyncio.sleep(2)  # they are to have something to do
        victim = _CHANCE.choice(fleet.alive)
        frozen = asyncio.create_task(fleet.freeze(victim, plan.freeze))
        for _ in range(plan.kills_in_a_round):
            await asyncio.sleep(plan.freeze / (plan.kills_in_a_round + 1))
            fleet.kill(_CHANCE.choice([worker for worker in fleet.alive if worker is not victim]))
        await frozen


async def _until_ended(urls: DatabaseUrls, created: set[str]) -> None:
    async with await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin:
        while True:
            cursor = await admin.execute("SELECT count(*) FROM automation_executions WHERE completed_at IS NOT NULL")
            if await cursor.fetchone() == (len(created),):
                return
            await asyncio.sleep(0.2)


async def _answer(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(_CHANCE.uniform(0, 0.6))
    with contextlib.suppress(ConnectionError):
        writer.write(OK)
        await writer.drain()


def _rule(receiver: Receiver) -> dict[str, Any]:
    def action(call: int) -> dict[str, Any]:
        config = {"method": "POST", "url": receiver.url, "json": {**_CALL, "call": call}}
        return {"type": "webhook_call", "config": config, "timeout_seconds": 30}

    return {"name": "Two calls", "status": "active", "trigger_type": "manual", "actions": [action(0), action(1)]}


def _key(urls: DatabaseUrls) -> str:
    administration = Administration(urls.owner)
    tenant = administration.create_tenant("chaos").tenant
    user = administration.create_user(tenant, "operator@example.com", Role.OPERATOR).user
    key = key_format.generate()
    administration.create_key(tenant, user, digest=key.digest, prefix=key.prefix)
    return key.plaintext


def _result(urls: DatabaseUrls, created: set[str], receiver: Receiver, fleet: Fleet, *, seconds: float) -> Result:
    calls: dict[tuple[str, int], list[str]] = defaultdict(list)
    for received in receiver.received:
        body = json.loads(received.body)
        calls[body["execution"], body["call"]].append(received.headers["idempotency-key"])
    writers: dict[tuple[str, int], set[str]] = defaultdict(set)
    told: dict[str, Counter[str]] = defaultdict(Counter)
    with psycopg.connect(urls.admin) as admin:
        rows = admin.execute(
            "SELECT execution_id, status, attempt, actions_successful, fence FROM automation_executions"
        )
        executions = {
            str(execution): (status, attempt, done, fence) for execution, status, attempt, done, fence in rows
        }
        for execution, fence, writer in admin.execute("SELECT execution_id, fence, writer FROM account"):
            writers[str(execution), fence].add(writer)
        for execution, message in admin.execute("SELECT execution_id, message FROM automation_execution_logs"):
            told[str(execution)][message] += 1
    lost = sum(line["event"] == "run lost" for worker in fleet.all for line in worker.log_lines())
    assert executions.keys() == created
    return Result(executions, calls, writers, told, lost, fleet.kills, fleet.freezes, seconds)


def expect_nothing_wrong(result: Result) -> None:
    """Check that every execution ended, none was lost, and no worker wrote under another's claim."""
    unfinished = {execution: row for execution, row in result.executions.items() if row[:3] != ("completed", 1, 2)}
    assert not unfinished
    assert result.calls.keys() == {(execution, call) for execution in result.executions for call in (0, 1)}
    assert not {call: keys for call, keys in result.calls.items() if len(set(keys)) != 1}
    assert not {claim: writers for claim, writers in result.writers.items() if len(writers) != 1}
    for told in result.told.values():
        assert told["webhook_call succeeded."] == 2
        assert told["The execution is completed."] == 1
