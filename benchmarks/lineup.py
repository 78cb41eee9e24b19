"""The line-up: this service, its peers, the floor below all of them, and the limits around them."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.database import BenchDatabase
from benchmarks.load import CONNECTIONS, pgbench

MANY = 256
"""Connections, beside the few that everything is compared with."""
PEERS = Path(__file__).parent / "targets"
PEERS_PYTHON = Path(".venv-bench/bin/python")
SERVICE = Path(sys.executable).with_name("automation")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """Something that is measured.

    Args:
        name: What it is called on the command line.
        title: What it is called in the report.
        secured: Whether it reads as the service's own role.
    """

    name: str
    title: str
    secured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Server(_Target):
    """A server.

    Args:
        command: Starts it, with ``{port}`` where the port belongs.
        checked: Whether it answers as the contract has it; one that doesn't is there as a yardstick.
        needs: Programs, and files, that it can't do without.
        connections: How many requests there are at any time.
        conditional: Whether requests name the entity tag that they know, so that the answer is 304.
    """

    command: Sequence[str]
    checked: bool = True
    needs: Sequence[str | Path] = ()
    connections: int = CONNECTIONS
    conditional: bool = False

    def arguments(self, port: int) -> list[str]:
        """Return the command that listens on a port."""
        return [part.replace("{port}", str(port)) for part in self.command]

    def missing(self) -> str | None:
        """Return why it can't be measured here, None where it can."""
        absent = [str(needed) for needed in self.needs if not _is_there(needed)]
        return f"there is no {' and no '.join(absent)}" if absent else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(_Target):
    """A prepared statement that pgbench executes: the database's own limit, without any server in front."""

    script: str

    def missing(self) -> str | None:
        """Return why it can't be measured here, None where it can."""
        return None if pgbench() else "there is no pgbench: install it from your system's packages"


Target = Server | Statement


def targets(processes: int) -> list[Target]:
    """Return all targets in the order in which they are measured.

    Args:
        processes: How many processes of the service are measured beside one; one leaves that out.
    """
    several = [service(processes)] if processes > 1 else []
    return [
        service(1),
        replace(service(1), name="service-304", title="this service, what has not changed (304)", conditional=True),
        replace(service(1), name="service-many", title=f"this service, {MANY} connections", connections=MANY),
        *several,
        _python("connexion", "stock Connexion 3.3, validate_responses, SQLAlchemy async", "connexion_sqlalchemy"),
        _python("fastapi-sqlalchemy", "FastAPI, Pydantic 2, SQLAlchemy async", "fastapi_sqlalchemy"),
        _python("fastapi-asyncpg", "FastAPI, Pydantic 2, asyncpg", "fastapi_asyncpg"),
        _python("litestar", "Litestar, msgspec, asyncpg", "litestar_asyncpg"),
        Server(
            name="fastify",
            title="Fastify 5 with response validation, pg (Node)",
            command=("node", str(PEERS / "fastify" / "server.js"), "{port}"),
            needs=("node", PEERS / "fastify" / "node_modules"),
        ),
        _python("floor", "floor: Starlette, psycopg, JSON from SQL, nothing validated", "floor"),
        _python("floor-secured", "the same floor under row-level security", "floor:secured", secured=True),
        _python("hello", "an ASGI hello world on uvicorn", "hello", checked=False),
        Statement(name="pgbench-row", title="pgbench, the row", script="row"),
        Statement(name="pgbench-json", title="pgbench, the response's JSON", script="json"),
        Statement(name="pgbench-secured", title="pgbench, the service's function", script="function", secured=True),
    ]


def service(processes: int) -> Server:
    """Return this service as it ships, in so many processes."""
    alone = processes == 1
    return Server(
        name="service" if alone else f"service-{processes}",
        title="this service" if alone else f"this service, {processes} processes",
        command=(str(SERVICE), "serve", "--port", "{port}", "--workers", str(processes)),
        secured=True,
    )


def _python(name: str, title: str, module: str, *, secured: bool = False, checked: bool = True) -> Server:
    application = module if ":" in module else f"{module}:app"
    options = "--host 127.0.0.1 --port {port} --loop uvloop --http httptools --no-access-log --log-level warning"
    return Server(
        name=name,
        title=title,
        command=(str(PEERS_PYTHON), "-m", "uvicorn", application, "--app-dir", str(PEERS), *options.split()),
        secured=secured,
        checked=checked,
    )


def _is_there(needed: str | Path) -> bool:
    return needed.exists() if isinstance(needed, Path) else shutil.which(needed) is not None


def environment(target: Target, database: BenchDatabase) -> dict[str, str]:
    """Return the variables that lead a target to the database."""
    return {"AUTOMATION_DATABASE_URL": database.api, **database.environment(secured=target.secured)}
