"""The engine, run for measurements: a database of its own, processes of the service, a rule, and triggers of it."""

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from automation.domain.permissions import Role
from automation.storage import migration
from automation.storage.accounts.administration import Administration
from automation.storage.embedded import EmbeddedServer
from automation.storage.embedded.belonging import ENTRANCE
from automation.storage.embedded.urls import EmbeddedUrls
from benchmarks.receiver import Receiver
from security import key_format

COMMAND = (sys.executable, "-c", "from automation.commands import main; main()")
CLIENTS = 8

Measure = Callable[[EmbeddedUrls, argparse.Namespace], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """An embedded database with the service's schema and nothing in it: its URLs, its process, and its server's log."""

    urls: EmbeddedUrls
    postmaster: int
    log: Path


async def first_call(client: httpx.AsyncClient, path: str, receiver: Receiver) -> float:
    """Have a rule executed, and return after how many milliseconds its call came."""
    sent = time.perf_counter()
    execution = await execute(client, path)
    while execution not in receiver.arrivals:  # noqa: ASYNC110 - watched as closely as the clock is read
        await asyncio.sleep(0.0005)
    return (receiver.arrivals[execution] - sent) * 1000


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
    with subprocess.Popen([*COMMAND, *arguments], env=environment() | settings, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def environment() -> dict[str, str]:
    """Return this process's environment, without what would change a measured one's settings or database."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AUTOMATION_", "PG"))}


def make_key(urls: EmbeddedUrls, name: str) -> str:
    """Make a tenant of that name, and return the key of an operator of it."""
    administration = Administration(urls.owner)
    tenant = administration.create_tenant(name).tenant
    user = administration.create_user(tenant, "bench@example.com", Role.OPERATOR).user
    key = key_format.generate()
    administration.create_key(tenant, user, digest=key.digest, prefix=key.prefix)
    return key.plaintext


@contextlib.contextmanager
def fresh_database() -> Iterator[FreshDatabase]:
    """Give an embedded database, with durable commits, which is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="automation-bench-") as directory:
        server = EmbeddedServer(Path(directory))
        urls = server.start()
        try:
            migration.upgrade(urls.owner)
            postmaster = server.postmaster_pid()
            if postmaster is None:
                raise RuntimeError("PostgreSQL has just stopped")
            yield FreshDatabase(urls, postmaster, Path(directory) / ENTRANCE / "server.log")
        finally:
            server.discard()


def on_a_fresh_database(measure: Measure, arguments: argparse.Namespace) -> None:
    """Measure on an embedded database, which is deleted afterwards."""
    with fresh_database() as database:
        asyncio.run(measure(database.urls, arguments))
