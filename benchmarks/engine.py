"""Measures how many executions a second the engine runs, and how soon a trigger becomes the first call.

``make bench-engine``: one server, and as many workers as asked, on an embedded PostgreSQL of its own with durable
commits; each execution is one ``webhook_call`` to a receiver on loopback that does nothing. All of it shares this
machine, the load generator too.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg

from automation.domain.permissions import Role
from automation.storage import migration
from automation.storage.accounts.administration import Administration
from automation.storage.embedded import EmbeddedServer
from automation.storage.embedded.urls import EmbeddedUrls
from benchmarks.running import free_port
from security import key_format

COMMAND = (sys.executable, "-c", "from automation.commands import main; main()")
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}"
CLIENTS = 8

Measure = Callable[[EmbeddedUrls, argparse.Namespace], Coroutine[None, None, None]]


class Receiver:
    """Answers calls, at once, after so many seconds, or never, and notes when each execution's came."""

    def __init__(self, seconds: float | None = 0.0) -> None:
        self._seconds = seconds
        self.arrivals: dict[str, float] = {}
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one call."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.arrivals.setdefault(head.split(b" ", 2)[1].decode().lstrip("/"), time.perf_counter())
            if self._seconds != 0:
                await (reader.read() if self._seconds is None else asyncio.sleep(self._seconds))
            writer.write(RESPONSE)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def receiving(seconds: float | None = 0.0) -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver(seconds)
    listener = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = listener.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        listener.close()


async def measure(urls: EmbeddedUrls, arguments: argparse.Namespace) -> None:
    """Start everything, and print what was measured."""
    key = make_key(urls, "bench")
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    settings = {
        "AUTOMATION_DATABASE_URL": urls.api,
        "AUTOMATION_WORKER_URL": urls.worker,
        "AUTOMATION_EGRESS_ALLOW": "127.0.0.0/8",
        "AUTOMATION_LOG_LEVEL": "warning",
    }
    limits = httpx.Limits(max_connections=CLIENTS)
    client = httpx.AsyncClient(base_url=base, headers={"x-api-key": key}, limits=limits, trust_env=False)
    async with client, receiving() as receiver:
        with process(["serve", "--port", str(port)], settings):
            await until_alive(client)
            path = await rule(client, receiver.port)
            backlog = await create(client, path, arguments.executions)
            with contextlib.ExitStack() as workers:
                for _ in range(arguments.workers):
                    workers.enter_context(process(["worker", "--concurrency", str(arguments.concurrency)], settings))
                await _until_completed(urls, arguments.executions)
                _print_backlog(urls, backlog)
                await _live(client, path, urls, arguments)
                await _latency(client, path, receiver, arguments.samples)


def _print_backlog(urls: EmbeddedUrls, created: list[str]) -> None:
    with psycopg.connect(urls.admin.replace("/postgres?", "/automation?")) as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM max(completed_at) - min(started_at))::float8 FROM automation_executions"
        ).fetchone()
    seconds = float(row[0]) if row else 0.0
    print(f"backlog of {len(created)}:       {len(created) / seconds:7.1f} executions/s")


async def _live(client: httpx.AsyncClient, path: str, urls: EmbeddedUrls, arguments: argparse.Namespace) -> None:
    began = time.perf_counter()
    await create(client, path, arguments.executions)
    created = time.perf_counter() - began
    await _until_completed(urls, 2 * arguments.executions)
    seconds = time.perf_counter() - began
    print(f"created and run, {arguments.executions}:  {arguments.executions / seconds:7.1f} executions/s", end=" ")
    print(f"(triggers answered: {arguments.executions / created:.1f}/s)")


async def first_call(client: httpx.AsyncClient, path: str, receiver: Receiver) -> float:
    """Have a rule executed, and return after how many milliseconds its call came."""
    sent = time.perf_counter()
    execution = await execute(client, path)
    while execution not in receiver.arrivals:  # noqa: ASYNC110 - watched as closely as the clock is read
        await asyncio.sleep(0.0005)
    return (receiver.arrivals[execution] - sent) * 1000


async def _latency(client: httpx.AsyncClient, path: str, receiver: Receiver, samples: int) -> None:
    latencies = []
    for _ in range(samples):
        await asyncio.sleep(0.05)
        latencies.append(await first_call(client, path, receiver))
    cuts = statistics.quantiles(latencies, n=100)
    print(f"trigger to first call, idle: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms")


async def create(client: httpx.AsyncClient, path: str, number: int) -> list[str]:
    """Have a rule executed so many times, and return the executions."""
    left = iter(range(number))

    async def some() -> list[str]:
        return [await execute(client, path) for _ in left]

    return [one for group in await asyncio.gather(*(some() for _ in range(CLIENTS))) for one in group]


async def execute(client: httpx.AsyncClient, path: str) -> str:
    """Have a rule executed, and return the execution."""
    answer = await client.post(path, json={"trigger_data": {}})
    answer.raise_for_status()
    execution: str = answer.json()["data"]["execution_id"]
    return execution


async def rule(client: httpx.AsyncClient, port: int) -> str:
    """Create a rule that calls a receiver, and return the path that executes it."""
    config = {"method": "POST", "url": f"http://127.0.0.1:{port}/${{execution.execution_id}}"}
    content: dict[str, Any] = {"name": "Bench", "status": "active", "trigger_type": "manual"}
    answer = await client.post(
        "/api/v1/automation/rules", json={**content, "actions": [{"type": "webhook_call", "config": config}]}
    )
    answer.raise_for_status()
    path: str = answer.json()["data"]["_links"]["execute"]["href"]
    return path


async def _until_completed(urls: EmbeddedUrls, number: int) -> None:
    url = urls.admin.replace("/postgres?", "/automation?")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            query = "SELECT count(*) FROM automation_executions WHERE status = 'completed'"
            if await (await connection.execute(query)).fetchone() == (number,):
                return
            await asyncio.sleep(0.05)


async def until_alive(client: httpx.AsyncClient) -> None:
    """Wait until the server answers."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/healthz")).is_success:
                    return
            await asyncio.sleep(0.05)


@contextlib.contextmanager
def process(arguments: list[str], settings: dict[str, str]) -> Iterator[None]:
    """Run a process of the service."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUTOMATION_")}
    with subprocess.Popen([*COMMAND, *arguments], env=inherited | settings, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def make_key(urls: EmbeddedUrls, name: str) -> str:
    """Make a tenant of that name, and return the key of an operator of it."""
    administration = Administration(urls.owner)
    tenant = administration.create_tenant(name).tenant
    user = administration.create_user(tenant, "bench@example.com", Role.OPERATOR).user
    key = key_format.generate()
    administration.create_key(tenant, user, digest=key.digest, prefix=key.prefix)
    return key.plaintext


def on_a_fresh_database(measure: Measure, arguments: argparse.Namespace) -> None:
    """Measure on an embedded database, which is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="automation-bench-") as directory:
        server = EmbeddedServer(Path(directory))
        urls = server.start()
        try:
            migration.upgrade(urls.owner)
            asyncio.run(measure(urls, arguments))
        finally:
            server.discard()


def main() -> None:
    """Measure on a fresh embedded database, which is deleted afterwards."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--executions", type=int, default=1000, help="how many, each time (1000)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--concurrency", type=int, default=20, help="executions at a time per worker (20)")
    parser.add_argument("--samples", type=int, default=200, help="executions whose latency is measured (200)")
    arguments = parser.parse_args()
    on_a_fresh_database(measure, arguments)


if __name__ == "__main__":
    main()
