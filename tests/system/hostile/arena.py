"""The arena: a PostgreSQL of its own, a service of two processes, two workers, an innocent tenant and a greedy one."""

import asyncio
import json
import resource
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from automation.storage.accounts.administration import Administration
from automation.storage.embedded import EmbeddedServer
from tests.databases import Cluster, DatabaseUrls
from tests.engine.actions.mail import Mailbox, mailing
from tests.engine.actions.receiver import Receiver, receiving
from tests.engine.workers import STARTED, answering, never, slowly, worker_settings
from tests.plain_http import PLAIN
from tests.system.children import await_children, wait_until_it_serves
from tests.system.hostile.innocents import Innocents
from tests.system.processes import Process, own_server, running, serving, wait_for_line
from tests.system.tenancy import EXECUTIONS, Tenant, new_tenant
from tests.system.wire import Wire

CHILDREN = 2
CONCURRENCY = 10
DESCRIPTORS = 512
"""How many a process of the service may have: few, so that clients can come to their end."""
STEPS, STEP = 5, 0.3
"""The calls of a run that is cancelled, and the seconds that each takes."""
_FILLING = b'{"filling": "' + b"x" * 250_000 + b'"}'
_LARGE_CALLS = 50
_FAILED = 40
_PATIENCE = 60.0


@dataclass(frozen=True)
class Call:
    """One call of an innocent run; ``at`` is a reading of ``time.monotonic()``."""

    at: float
    execution: str
    key: str


@dataclass(frozen=True)
class Greedy:
    """A tenant who wants too much, with what it needs for that; rules are ids, executions paths.

    Args:
        large: An execution whose results are as large as they may be.
        small: An execution of little.
        failed: Executions that failed; one is used up by each attack on it.
        hanging: A rule whose receiver never answers.
        brief: A rule whose receiver answers at once.
        steps: A rule of several calls, one after the other, whose receiver takes its time.
        mails: A rule that sends a mail whose subject comes with the execution.
    """

    tenant: Tenant
    large: str
    small: str
    failed: list[str]
    hanging: str
    brief: str
    steps: str
    mails: str


@dataclass
class Arena:
    """Everything that there is."""

    urls: DatabaseUrls
    server: EmbeddedServer
    stack: AsyncExitStack
    settings: Mapping[str, str]
    service: Process
    innocent: Tenant
    greedy: Greedy
    innocents: Innocents
    counting: Receiver
    hanging: Receiver
    filling: Receiver
    stepping: Receiver
    mailbox: Mailbox
    workers: list[Process] = field(default_factory=list)
    former: list[Process] = field(default_factory=list)
    """Those that were killed, whose logs are looked at all the same."""
    calls: dict[int, list[Call]] = field(default_factory=lambda: defaultdict(list))

    @property
    def base_url(self) -> str:
        """Where the service is, whichever process it is at the moment."""
        return self.service.base_url

    async def hire(self) -> None:
        """Start one more worker; again where it ends at once for want of a database, as a service manager would."""
        settings = worker_settings(self.urls) | {
            "AUTOMATION_SMTP_HOST": "127.0.0.1",
            "AUTOMATION_SMTP_PORT": str(self.mailbox.port),
            "AUTOMATION_SMTP_TLS": "none",
            "AUTOMATION_SMTP_SENDER": "automation@sender.example",
        }
        until = time.monotonic() + _PATIENCE
        while True:
            worker = self.stack.enter_context(running(["worker", "--concurrency", str(CONCURRENCY)], settings))
            self.workers.append(worker)
            try:
                await asyncio.to_thread(wait_for_line, worker, STARTED)
            except AssertionError:
                if worker.popen.poll() is None or time.monotonic() > until:
                    raise
                self.workers.remove(worker)
                self.former.append(worker)
            else:
                return

    async def kill_a_worker(self, worker: Process) -> None:
        """Kill a worker, and start another one in its place."""
        worker.popen.kill()
        self.workers.remove(worker)
        self.former.append(worker)
        await self.hire()

    async def kill_the_service(self) -> None:
        """Kill the parent, and start the service again on its port once its children are gone."""
        children = psutil.Process(self.service.popen.pid).children(recursive=True)
        self.service.popen.kill()
        await asyncio.to_thread(psutil.wait_procs, children, _PATIENCE)
        await self.start_the_service_again()

    async def start_the_service_again(self) -> None:
        """Start the service on its port, once the one before it has ended."""
        await asyncio.to_thread(self.service.popen.wait, _PATIENCE)
        self.former.append(self.service)
        port = httpx.URL(self.base_url).port or 0
        self.service = await asyncio.to_thread(_serve, self.stack, self.settings, port)

    def count(self) -> None:
        """Note the call that has just come."""
        received = self.counting.received[-1]
        body = json.loads(received.body)
        call = Call(time.monotonic(), body["execution"], received.headers["idempotency-key"])
        self.calls[int(body["number"])].append(call)


def webhook(url: str, number: Any = "${trigger.number}", **members: Any) -> dict[str, Any]:
    """Return an action that tells a receiver which execution it is of."""
    body = {"execution": "${execution.execution_id}", "number": number}
    return {"type": "webhook_call", "config": {"method": "POST", "url": url, "json": body}, **members}


@asynccontextmanager
async def an_arena(directory: Path) -> AsyncIterator[Arena]:
    """Make an arena, in which the innocent tenant asks already, and end it with everybody in it."""
    _allow_many_descriptors()
    with own_server(directory, durable=True) as server:
        made = server.start()
        cluster = Cluster(DatabaseUrls(made.owner, made.api, made.worker, made.admin), directory)
        with cluster.database() as urls:
            async with AsyncExitStack() as stack:
                arena = await _arena_in(stack, urls, server, directory)
                async with arena.innocents.present():
                    yield arena


def _allow_many_descriptors() -> None:
    """Let this process open as many as the service's processes may have together, and its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8 * DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _arena_in(stack: AsyncExitStack, urls: DatabaseUrls, server: EmbeddedServer, directory: Path) -> Arena:
    counting, hanging, filling, stepping = [await stack.enter_async_context(receiving()) for _ in range(4)]
    mailbox = await stack.enter_async_context(mailing())
    settings = {"AUTOMATION_DATABASE_URL": urls.api, "AUTOMATION_DATA_DIR": str(directory)}
    service = await asyncio.to_thread(_serve, stack, settings)
    client = stack.enter_context(httpx.Client(base_url=service.base_url, **PLAIN, timeout=30))
    innocent, other = (new_tenant(client, Administration(urls.owner)) for _ in range(2))
    rule = innocent.create_rule(actions=[webhook(counting.url)])
    execution = innocent.add_failed_execution(rule)
    innocents = Innocents(Wire(service.base_url), innocent.key, rule["rule_id"], execution)
    hanging.answer, filling.answer, stepping.answer = never(), answering(body=_FILLING), slowly(STEP)
    greedy = _greedy(other, hanging, filling, stepping)
    receivers = counting, hanging, filling, stepping
    arena = Arena(urls, server, stack, settings, service, innocent, greedy, innocents, *receivers, mailbox)
    answer = answering()

    async def count_and_answer(writer: asyncio.StreamWriter) -> None:
        arena.count()
        await answer(writer)

    counting.answer = count_and_answer
    for _ in range(2):
        await arena.hire()
    for child in await asyncio.to_thread(await_children, service, CHILDREN):
        await asyncio.to_thread(wait_until_it_serves, service, child.pid)
    await asyncio.to_thread(_until_ended, other, greedy.large)
    return arena


def _serve(stack: AsyncExitStack, settings: Mapping[str, str], port: int = 0) -> Process:
    return stack.enter_context(serving(settings, workers=CHILDREN, port=port, descriptors=DESCRIPTORS))


def _greedy(tenant: Tenant, hanging: Receiver, filling: Receiver, stepping: Receiver) -> Greedy:
    large = tenant.create_rule(actions=[webhook(filling.url, 0)] * _LARGE_CALLS)
    brief = tenant.create_rule(actions=[webhook(filling.url, 0)])
    hangs = tenant.create_rule(actions=[webhook(hanging.url, 0, timeout_seconds=15)])
    steps = tenant.create_rule(actions=[webhook(stepping.url, step) for step in range(STEPS)])
    mail = {"to": ["ada@example.com"], "subject": "${trigger.subject}", "text": "It is done."}
    mails = tenant.create_rule(actions=[{"type": "email_notification", "config": mail}])
    return Greedy(
        tenant,
        f"{EXECUTIONS}/{tenant.execute(large)['execution_id']}",
        tenant.add_failed_execution(brief),
        [tenant.add_failed_execution(brief) for _ in range(_FAILED)],
        hangs["rule_id"],
        brief["rule_id"],
        steps["rule_id"],
        mails["rule_id"],
    )


def _until_ended(tenant: Tenant, path: str) -> None:
    until = time.monotonic() + _PATIENCE
    while tenant.ask("GET", path).json()["data"]["completed_at"] is None:
        assert time.monotonic() < until
        time.sleep(0.05)
