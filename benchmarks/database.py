"""The embedded PostgreSQL that every measurement runs on: made once in ``.data-bench``, and used again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

from automation.storage import migration
from automation.storage.embedded import EmbeddedServer, EmbeddedUrls
from automation.storage.embedded.roles import OWNER
from benchmarks import seed
from benchmarks.seed import PEER, Keys, Plan

DIRECTORY = Path(".data-bench")


@dataclass(frozen=True, slots=True)
class BenchDatabase:
    """A seeded database on a running server.

    Args:
        name: The database's name.
        urls: The server's, which lead to another database.
        postmaster: The server's process id.
        plan: What it was seeded with.
        keys: The keys that were made.
    """

    name: str
    urls: EmbeddedUrls
    postmaster: int
    plan: Plan
    keys: Keys

    @property
    def api(self) -> str:
        """The URL of the service's own role, which row-level security binds."""
        return _leading_to(self.urls.api, self.name)

    def connect(self) -> psycopg.Connection:
        """Return a superuser's connection."""
        return psycopg.connect(_leading_to(self.urls.admin, self.name), autocommit=True)

    def environment(self, *, secured: bool) -> dict[str, str]:
        """Return libpq's variables, which the drivers of all languages know.

        Args:
            secured: Connect as the service's own role, else as one that row-level security doesn't bind.
        """
        parts = urlsplit(self.api)
        query = parse_qs(parts.query)
        return {
            "PGHOST": query["host"][0],
            "PGPORT": query["port"][0],
            "PGDATABASE": self.name,
            "PGUSER": str(parts.username) if secured else PEER,
        }


@contextmanager
def seeded(name: str, plan: Plan) -> Iterator[BenchDatabase]:
    """Give a database on a server that runs until the end; seeded first unless it was before."""
    with EmbeddedServer(DIRECTORY) as urls:
        ready = _is_ready(urls, name, plan)
    if not ready:
        print(f"seeding {name} with {plan.executions:,} executions ...", flush=True)
        _seed(name, plan)
    server = EmbeddedServer(DIRECTORY)
    with server as urls:
        migration.upgrade(_leading_to(urls.owner, name))
        with psycopg.connect(_leading_to(urls.admin, name)) as connection:
            keys = seed.read_keys(connection)
            _read_through(connection)
        postmaster = server.postmaster_pid()
        if postmaster is None:
            raise RuntimeError("PostgreSQL has just stopped")
        yield BenchDatabase(name, urls, postmaster, plan, keys)


def _read_through(connection: psycopg.Connection) -> None:
    """Read tables and indexes once, so that a run after a restart of the machine doesn't measure its disk."""
    for table in ("automation_executions", "automation_execution_logs"):
        name = sql.Identifier(table)
        connection.execute(sql.SQL("SET enable_seqscan = on; SELECT count(xmin) FROM {}").format(name))
        connection.execute(sql.SQL("SET enable_seqscan = off; SELECT count(*) FROM {}").format(name))


def _is_ready(urls: EmbeddedUrls, name: str, plan: Plan) -> bool:
    with psycopg.connect(urls.admin) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            return False
    with psycopg.connect(_leading_to(urls.admin, name)) as connection:
        return seed.is_complete(connection, plan)


def _seed(name: str, plan: Plan) -> None:
    """Make a database from nothing, on a server that doesn't wait for the disk: the stop at the end writes it all."""
    with EmbeddedServer(DIRECTORY, fast=True) as urls:
        with psycopg.connect(urls.admin, autocommit=True) as connection:
            database = sql.Identifier(name)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)))
        owner = _leading_to(urls.owner, name)
        migration.upgrade(owner)
        with psycopg.connect(_leading_to(urls.admin, name), autocommit=True) as connection:
            seed.fill(owner, connection, plan)


def _leading_to(url: str, name: str) -> str:
    """Return the URL with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
