"""The world that is played with: a PostgreSQL of its own, workers that die and freeze, and a receiver of calls."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from automation.storage.embedded import EmbeddedServer
from tests.databases import Cluster, DatabaseUrls
from tests.engine.actions.loopback import listening
from tests.engine.scenes import Scene, scene_in
from tests.engine.workers import STARTED, worker_settings
from tests.system.model.account import open_account
from tests.system.processes import Process, frozen, own_server, running, wait_for_line

LEASE = 4
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}"
_FAILED = _OK.replace(b"200 OK", b"503 Service Unavailable")


@dataclass(frozen=True)
class Call:
    """One call that came; ``at`` is a reading of ``time.monotonic()``."""

    at: float
    key: str
    execution: UUID
    attempt: int
    action: int
    version: int


@dataclass
class World:
    """Everything that there is, and what can be done to it."""

    urls: DatabaseUrls
    server: EmbeddedServer
    scene: Scene
    chance: random.Random
    stack: AsyncExitStack
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)
    every_worker: list[Process] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)

    def url(self, behaviour: str) -> str:
        """Return the address that answers in one way: ``quick``, ``slow``, ``failing`` or ``never``."""
        return f"http://127.0.0.1:{self.port}/{behaviour}"

    async def hire(self) -> None:
        """Start one more worker."""
        settings = worker_settings(self.urls) | {"AUTOMATION_LEASE": str(LEASE)}
        worker = self.stack.enter_context(running(["worker", "--concurrency", "24"], settings))
        self.workers.append(worker)
        self.every_worker.append(worker)
        await asyncio.to_thread(wait_for_line, worker, STARTED)

    async def kill_a_worker(self) -> None:
        """Kill one, and start another in its place."""
        worker = self.chance.choice(self.workers)
        self.workers.remove(worker)
        worker.popen.kill()
        await self.hire()

    async def freeze_a_worker(self) -> None:
        """Stop one for a while, mostly for longer than its lease."""
        with frozen(self.chance.choice(self.workers).popen.pid):
            await asyncio.sleep(self.chance.uniform(1.0, LEASE * 1.6))

    async def freeze_the_database(self) -> None:
        """Stop PostgreSQL for a while."""
        pid = self.server.postmaster_pid()
        assert pid is not None
        with frozen(pid):
            await asyncio.sleep(self.chance.uniform(0.5, LEASE * 1.3))

    async def lose_jobs(self) -> None:
        """Delete some of the jobs that wait in the queue."""
        async with await psycopg.AsyncConnection.connect(self.urls.admin, autocommit=True) as admin:
            share = self.chance.uniform(0.2, 1.0)
            await admin.execute(
                "DELETE FROM procrastinate.procrastinate_jobs WHERE status = 'todo' AND random() < %s", (share,)
            )

    async def at_rest(self) -> bool:
        """Return whether every execution has ended and no job is left."""
        async with await psycopg.AsyncConnection.connect(self.urls.admin, autocommit=True) as admin:
            cursor = await admin.execute(
                "SELECT NOT EXISTS (SELECT FROM automation_executions WHERE status IN ('pending', 'running'))"
                " AND NOT EXISTS (SELECT FROM procrastinate.procrastinate_jobs)"
            )
            return await cursor.fetchone() == (True,)

    def happened(self, fault: str) -> None:
        """Count a fault."""
        self.faults[fault] = self.faults.get(fault, 0) + 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a call as its address says."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.calls.append(_call(headers["idempotency-key"], body))
        await self._answer(head[0].split(" ")[1].strip("/"), writer)

    async def _answer(self, behaviour: str, writer: asyncio.StreamWriter) -> None:
        if behaviour == "never":
            await asyncio.Event().wait()
        longest = 0.06 if behaviour == "quick" else 0.9
        await asyncio.sleep(self.chance.uniform(0, longest))
        with suppress(ConnectionError):
            writer.write(_FAILED if behaviour == "failing" and self.chance.random() < 0.7 else _OK)
            await writer.drain()


def _call(key: str, body: Mapping[str, Any]) -> Call:
    execution = UUID(body["execution"])
    return Call(time.monotonic(), key, execution, int(body["attempt"]), int(body["action"]), int(body["version"]))


@asynccontextmanager
async def a_world(directory: Path, seed: int, *, workers: int = 2) -> AsyncIterator[World]:
    """Make a world, and end it with everybody in it."""
    with own_server(directory) as server:
        made = server.start()
        cluster = Cluster(DatabaseUrls(made.owner, made.api, made.worker, made.admin), directory)
        with cluster.database() as urls:
            open_account(urls)
            async with AsyncExitStack() as stack:
                scene = await stack.enter_async_context(scene_in(urls))
                world = World(urls, server, scene, random.Random(seed), stack)  # noqa: S311 - repeatable on purpose
                world.port = await stack.enter_async_context(listening(world.serve))
                for _ in range(workers):
                    await world.hire()
                yield world
