"""Revocations of keys that are in use all the time, whatever happens to the service: was one let in for too long?"""

import asyncio
import itertools
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import psycopg

from automation.domain.permissions import Role
from automation.storage import migration
from automation.storage.accounts.administration import Administration
from automation.storage.embedded import EmbeddedServer
from automation.storage.embedded.urls import EmbeddedUrls
from security import key_format
from tests.system.partition import Way, way_to
from tests.system.processes import Process, frozen, own_server, serving
from tests.system.wire import Wire

LISTENER = "automation-executions key changes"
PROMISED = 1.0
"""Seconds after which a revoked key is let in nowhere."""
PROCESSES = 2

_PATH = "/api/v1/automation/actions"  # what it answers is in memory: nothing but the key is looked up
_BETWEEN_REQUESTS = 0.01
_BETWEEN_REVOCATIONS = 0.02
_LONGEST_ANSWER = 10.0
_PATIENCE = 100.0
_LET_IN, _REFUSED = 200, 401
_LISTENERS = b"SELECT pid FROM pg_stat_activity WHERE application_name = %(name)s"


@dataclass
class Stage:
    """A service of two processes that reaches its database by a way of its own, and whoever can disturb both."""

    server: EmbeddedServer
    urls: EmbeddedUrls
    way: Way
    process: Process

    @property
    def listeners(self) -> list[int]:
        """The process ids of the sessions that the service listens on."""
        with psycopg.connect(self.urls.admin) as admin:
            return [pid for (pid,) in admin.execute(_LISTENERS, {"name": LISTENER}).fetchall()]


@asynccontextmanager
async def stage(directory: Path) -> AsyncIterator[Stage]:
    """Start a server and a service."""
    with own_server(directory) as server:
        urls = server.start()
        await asyncio.to_thread(migration.upgrade, urls.owner)
        async with way_to(urls.api, LISTENER) as way:
            serves = serving({"AUTOMATION_DATABASE_URL": way.url}, workers=PROCESSES)
            process = await asyncio.to_thread(serves.__enter__)
            try:
                yield Stage(server, urls, way, process)
            finally:
                await asyncio.to_thread(serves.__exit__, None, None, None)


Disturbance = Callable[[Stage], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def listeners_killed(stage: Stage) -> AsyncIterator[None]:
    """End the sessions that the service listens on."""
    pids = await asyncio.to_thread(lambda: stage.listeners)
    async with await psycopg.AsyncConnection.connect(stage.urls.admin, autocommit=True) as admin:
        for pid in pids:
            await admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
    assert pids
    yield


@asynccontextmanager
async def listeners_frozen(stage: Stage) -> AsyncIterator[None]:
    """Freeze the sessions that the service listens on."""
    backends = [psutil.Process(pid) for pid in await asyncio.to_thread(lambda: stage.listeners)]
    assert backends
    for backend in backends:
        backend.suspend()
    try:
        yield
        await asyncio.sleep(2)
    finally:
        for backend in backends:
            backend.resume()


@asynccontextmanager
async def database_stopped(stage: Stage) -> AsyncIterator[None]:
    """Stop the database for three seconds: what was revoked was revoked just before, or just after."""
    await asyncio.to_thread(stage.server.halt)
    await asyncio.sleep(3)
    await asyncio.to_thread(stage.server.resume)
    yield


@asynccontextmanager
async def service_frozen(stage: Stage) -> AsyncIterator[None]:
    """Stop all processes of the service, revoke, and let them go on after two seconds."""
    with frozen(stage.process.popen.pid):
        yield
        await asyncio.sleep(2)


@asynccontextmanager
async def listeners_partitioned(stage: Stage) -> AsyncIterator[None]:
    """Lose every packet of the connections that the service listens on."""
    with stage.way.partitioned():
        yield
        await asyncio.sleep(2)


@dataclass
class Revocations:
    """Keys that are asked with in turn, and when each revocation was committed; times are of the monotonic clock."""

    stage: Stage
    keys: list[key_format.ApiKey]
    revoked: dict[str, float] = field(default_factory=dict)
    let_in: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: set[str] = field(default_factory=set)
    """Those that were asked with, and refused, when they could not be let in any more."""

    async def play(self, disturbance: Disturbance) -> None:
        """Revoke all keys while they are used: a third before something happens, one meanwhile, one afterwards."""
        third = len(self.keys) // 3
        asking = asyncio.create_task(self._ask_on())
        try:
            await self._until(lambda: len(self.let_in) == len(self.keys))
            await self._revoke(self.keys[:third])
            async with disturbance(self.stage):
                await self._revoke(self.keys[third : 2 * third])
            await self._revoke(self.keys[2 * third :])
            await self._until(lambda: len(self.refused) == len(self.keys))
        finally:
            asking.cancel()
            await asyncio.wait({asking})

    def late(self) -> list[float]:
        """Return of each request that was let in after its key's revocation how many seconds later it was sent."""
        return [at - self.revoked[key] for key, times in self.let_in.items() for at in times if at > self.revoked[key]]

    def too_late(self) -> list[float]:
        """Return those of them that nobody was promised."""
        return [seconds for seconds in self.late() if seconds > PROMISED]

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not condition():  # noqa: ASYNC110 - a set has no event
                await asyncio.sleep(0.1)

    async def _revoke(self, keys: list[key_format.ApiKey]) -> None:
        async with await psycopg.AsyncConnection.connect(
            self.stage.urls.admin, dbname="automation", autocommit=True
        ) as admin:
            for key in keys:
                await admin.execute("UPDATE api_keys SET revoked_at = now() WHERE digest = %s", (key.digest,))
                self.revoked[key.plaintext] = time.monotonic()
                await asyncio.sleep(_BETWEEN_REVOCATIONS)

    async def _ask_on(self) -> None:
        """Ask at an even pace, whether or not what was asked before is answered."""
        wire = Wire(self.stage.process.base_url)
        try:
            async with asyncio.TaskGroup() as group:
                for key in itertools.cycle(self.keys):
                    await asyncio.sleep(_BETWEEN_REQUESTS)
                    group.create_task(self._ask(wire, key.plaintext))
        finally:
            wire.close()

    async def _ask(self, wire: Wire, key: str) -> None:
        sent = time.monotonic()
        try:
            async with asyncio.timeout(_LONGEST_ANSWER):
                status = (await wire.ask("GET", _PATH, {"x-api-key": key})).status
        except (TimeoutError, OSError, EOFError):
            return
        if status == _LET_IN:
            self.let_in[key].append(sent)
        elif status == _REFUSED and sent > self.revoked.get(key, math.inf) + PROMISED:
            self.refused.add(key)


def revocations(stage: Stage, count: int) -> Revocations:
    """Make so many keys, of two tenants and several users."""
    administration = Administration(stage.urls.owner)
    owners: list[tuple[UUID, UUID]] = []
    for _ in range(2):
        tenant = administration.create_tenant(f"tenant {uuid4()}").tenant
        users = [administration.create_user(tenant, f"{uuid4()}@example.com", Role.READER).user for _ in range(3)]
        owners += [(tenant, user) for user in users]
    keys = [key_format.generate() for _ in range(count)]
    for key, (tenant, user) in zip(keys, itertools.cycle(owners), strict=False):
        administration.create_key(tenant, user, digest=key.digest, prefix=key.prefix)
    return Revocations(stage, keys)


DISTURBANCES = (listeners_killed, listeners_frozen, listeners_partitioned, database_stopped, service_frozen)
