"""The engines that are compared: how each one's worker is started, how it is asked, and where its results are."""

import contextlib
import subprocess
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg import sql

from automation.storage.embedded.roles import WORKER_LOGIN
from benchmarks import broker
from benchmarks.broker import Broker
from benchmarks.engine import COMMAND, FreshDatabase, environment, make_key, process, rule, until_alive
from benchmarks.lineup import PEERS, PEERS_PYTHON
from benchmarks.receiver import Receiver
from benchmarks.running import free_port
from benchmarks.triggers import HttpTrigger, Trigger, process_trigger

PEER = "bench"
"""The peers' role in the database, and the owner of their databases."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all share: the database's server, the receiver, Redis where somebody needs it, and a place for logs."""

    database: FreshDatabase
    receiver: Receiver
    broker: Broker | None
    concurrency: int
    logs: Path

    def url(self, role: str | None, database: str) -> str:
        """Return the URL of a database for a role, or for the superuser."""
        parts = urlsplit(self.database.urls.admin)
        netloc = parts.netloc if role is None else f"{role}@"
        return parts._replace(netloc=netloc, path=f"/{database}").geturl()


@dataclass(frozen=True, kw_only=True)
class Contender(ABC):
    """An engine that is compared.

    Args:
        name: What it is called on the command line.
        title: What it is called in the report.
        role: As whom its worker connects.
        database: The name of its database.
        ended: Gives how many jobs ended well since a time (seconds since 1970), and when the last one did.
        workers: How many processes of it run.
        calls: Whether its jobs call the receiver.
        waiting: Says whether jobs wait, where no call tells.
        ready: What a worker writes when it is ready, where there may be several.
    """

    name: str
    title: str
    role: str = PEER
    database: str
    ended: str
    workers: int = 1
    calls: bool = True
    waiting: str = ""
    ready: str = ""

    @property
    def asked_as(self) -> str:
        """What those have in common that are asked in the same way, at the same place."""
        return self.name

    @property
    def log(self) -> str:
        """The name of its log file."""
        return f"{self.name}.log"

    @abstractmethod
    def missing(self) -> str | None:
        """Return why it can't be measured here, None where it can."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return what starts a worker."""

    @abstractmethod
    def environment(self, ground: Ground) -> dict[str, str]:
        """Return a worker's environment."""

    @abstractmethod
    def trigger(self, ground: Ground) -> contextlib.AbstractAsyncContextManager[Trigger]:
        """Make ready what asks for jobs."""

    def brokers(self, _ground: Ground) -> list[int]:
        """Return the processes beside the database's that its jobs go through."""
        return []


@dataclass(frozen=True, kw_only=True)
class Service(Contender):
    """This engine, with so many workers."""

    role: str = WORKER_LOGIN
    database: str = "automation"
    ended: str = (
        "SELECT count(*), extract(epoch FROM max(completed_at))::float8 FROM automation_executions"
        " WHERE status = 'completed' AND completed_at > to_timestamp(%s)"
    )
    ready: str = "Running executions"

    @property
    def asked_as(self) -> str:
        return "service"

    def missing(self) -> str | None:
        return None

    def command(self) -> Sequence[str]:
        return [*COMMAND, "worker"]

    def environment(self, ground: Ground) -> dict[str, str]:
        return environment() | {
            "AUTOMATION_DATABASE_URL": ground.database.urls.api,
            "AUTOMATION_WORKER_URL": ground.database.urls.worker,
            "AUTOMATION_EGRESS_ALLOW": "127.0.0.0/8",
            "AUTOMATION_LOG_LEVEL": "warning",
            "AUTOMATION_DRAIN_TIMEOUT": "0",
            "AUTOMATION_CONCURRENCY": str(ground.concurrency),
        }

    @asynccontextmanager
    async def trigger(self, ground: Ground) -> AsyncIterator[Trigger]:
        key, port = make_key(ground.database.urls, self.asked_as), free_port()
        with process(["serve", "--port", str(port)], self.environment(ground)):
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"x-api-key": key}, trust_env=False)
            async with client:
                await until_alive(client)
                path = await rule(client, ground.receiver.port)
            trigger = HttpTrigger(port, path, key)
            try:
                yield trigger
            finally:
                trigger.close()


@dataclass(frozen=True, kw_only=True)
class Peer(Contender):
    """An engine of others, with its library in the peers' environment.

    Args:
        script: What sets up its tables, runs its worker, and sends jobs.
        task: What it is told to send, where there are several kinds of jobs.
        needs_redis: Whether its jobs go through Redis.
    """

    script: str
    task: Sequence[str] = ()
    needs_redis: bool = False
    ended: str = (
        "SELECT count(*), extract(epoch FROM max(stored_at))::float8 FROM results WHERE stored_at > to_timestamp(%s)"
    )

    def missing(self) -> str | None:
        if not PEERS_PYTHON.exists():
            return f"there is no {PEERS_PYTHON}"
        if self.needs_redis and not broker.is_there():
            return f"there is no {broker.PROGRAM}"
        return None

    def command(self) -> Sequence[str]:
        return [str(PEERS_PYTHON), str(PEERS / self.script), "worker"]

    def environment(self, ground: Ground) -> dict[str, str]:
        return environment() | {
            "BENCH_DATABASE": ground.url(PEER, self.database),
            "BENCH_RECEIVER": f"http://127.0.0.1:{ground.receiver.port}",
            "BENCH_BROKER": ground.broker.url if ground.broker is not None else "",
            "BENCH_CONCURRENCY": str(ground.concurrency),
        }

    @asynccontextmanager
    async def trigger(self, ground: Ground) -> AsyncIterator[Trigger]:
        self._set_up(ground)
        command = [*self.command()[:-1], "trigger", *self.task]
        async with process_trigger(command, self.environment(ground)) as trigger:
            yield trigger

    def brokers(self, ground: Ground) -> list[int]:
        return [ground.broker.pid] if self.needs_redis and ground.broker is not None else []

    def _set_up(self, ground: Ground) -> None:
        """Make its database and its tables."""
        name, owner = sql.Identifier(self.database), sql.Identifier(PEER)
        with psycopg.connect(ground.database.urls.admin, autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [PEER]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(owner))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
        subprocess.run([*self.command()[:-1], "setup"], env=self.environment(ground), check=True, timeout=60)


def contenders() -> list[Contender]:
    """Return all in the order in which they take their turns."""
    return [
        *(_service(number) for number in (1, 2, 4)),
        Peer(
            name="procrastinate-nothing",
            title="Procrastinate, jobs that do nothing",
            database="procrastinate_nothing",
            script="procrastinate_jobs.py",
            task=("nothing",),
            calls=False,
            waiting="SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status = 'todo')",
            ended="SELECT count(*), extract(epoch FROM max(at))::float8 FROM procrastinate_events"
            " WHERE type = 'succeeded' AND at > to_timestamp(%s)",
        ),
        Peer(
            name="procrastinate",
            title="Procrastinate, httpx",
            database="procrastinate_calls",
            script="procrastinate_jobs.py",
            task=("call",),
        ),
        Peer(
            name="celery",
            title="Celery with Redis, httpx",
            database="celery_calls",
            script="celery_jobs.py",
            needs_redis=True,
        ),
    ]


def _service(workers: int) -> Service:
    title = "this engine, 1 worker" if workers == 1 else f"this engine, {workers} workers"
    return Service(name=f"service-{workers}", title=title, workers=workers)
