"""A worker in the test's own process: the real one, whose beat, database and calls the test holds in its hands."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from automation.engine.actions import ActionResources, Actions, Egress
from automation.engine.actions.egress import Resolve
from automation.engine.runs.worker import Worker
from automation.storage.due import Due
from automation.storage.pool.database import Database
from automation.storage.retention import RetentionStore
from automation.storage.runs import Runs
from automation.storage.schedules import Schedules
from automation.storage.secrets.sealed_secrets import SealedSecrets
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Answer
from tests.engine.workers import answering
from tests.secret_keys import KEYRING

LEASE = 4.0
NEVER = 3600.0
"""Seconds between two beats of a worker that shall not hear of anything by its beat."""


@dataclass
class Held:
    """Holds every answer until the test lets go."""

    then: Answer = field(default_factory=answering)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        await self.go.wait()
        await self.then(writer)


@dataclass(frozen=True)
class NearWorker:
    """A worker that runs beside the test."""

    stop: asyncio.Event
    ended: "asyncio.Task[None]"
    complaints: list[str]
    """What asyncio's event loop had to say of tasks that nobody looked at."""


@asynccontextmanager
async def a_near_worker(
    urls: DatabaseUrls,
    *,
    runs: Callable[[Database], Runs] = Runs,
    concurrency: int = 8,
    lease: float = LEASE,
    drain: float = 5.0,
    resolve: Resolve | None = None,
    most_result_bytes: int = 64 * 1024,
    most_lost: int = 3,
) -> AsyncIterator[NearWorker]:
    """Run a worker until the block ends.

    Args:
        urls: Its database.
        runs: Makes what it claims and writes by, for a test that holds its writes up.
        concurrency: How many executions it runs at once.
        lease: How long a claim holds.
        drain: How long actions in flight may go on when it stops.
        most_lost: How many workers may be lost at one action.
        resolve: Finds the addresses of hosts, between a call's beginning and its sending.
        most_result_bytes: How many bytes of results an execution keeps.
    """
    database = Database(
        urls.worker, pool_min=2, pool_max=8, pool_timeout=4.0, query_timeout=4.0, application_name="near worker"
    )
    await database.open()
    actions = Actions.load(ActionResources(egress=Egress([ip_network("127.0.0.0/8")], resolve=resolve)))
    worker = Worker(
        urls.worker,
        runs(database),
        Due(database),
        RetentionStore(database),
        actions,
        concurrency=concurrency,
        lease=lease,
        drain_seconds=drain,
        most_result_bytes=most_result_bytes,
        most_lost=most_lost,
        schedules=Schedules(database),
        secrets=SealedSecrets(database, KEYRING),
    )
    stop, complaints = asyncio.Event(), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(_said(context)))
    ended = asyncio.create_task(worker.work(stop))
    try:
        yield NearWorker(stop, ended, complaints)
    finally:
        stop.set()
        await ended
        await database.close()


def _said(context: dict[str, Any]) -> str:
    return f"{context['message']}: {context.get('exception')!r}"
