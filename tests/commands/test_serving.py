"""``automation serve`` and ``automation demo``: which database they take, and what they may do to it."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.commands.terminal import document, environment
from tests.databases import Cluster, DatabaseUrls
from tests.plain_http import PLAIN
from tests.system import forked
from tests.system.processes import STOP_TIMEOUT

pytestmark = pytest.mark.process


@contextmanager
def ready(*arguments: str, settings: Mapping[str, str]) -> Iterator[Any]:
    """Run a command that serves on a free port with ``--json``, and give its document once it is ready."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as output, Path(os.devnull).open("w") as errors:
        streams = (0, output.fileno(), errors.fileno())
        process = forked.start([*arguments, "--port", "0", "--json"], environment(settings), streams)
    with os.fdopen(reading) as said:
        try:
            lines = [said.readline()]
            while lines[-1] not in ("}\n", ""):
                lines.append(said.readline())
            yield json.loads("".join(lines))
        finally:
            process.send_signal(signal.SIGTERM)
            remainder = said.read()
            code = process.wait(STOP_TIMEOUT)
        assert remainder == ""
    assert code == 0


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A database without any tables."""
    with cluster.database(migrated=False) as urls:
        yield urls


def tables(urls: DatabaseUrls) -> set[str]:
    """Return the names of the database's tables."""
    with psycopg.connect(urls.admin) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {str(name) for (name,) in rows}


def test_serve_makes_no_tables_where_the_owner_is_not_named(empty: DatabaseUrls) -> None:
    with ready("serve", settings={"AUTOMATION_DATABASE_URL": empty.api}) as said:
        readiness = httpx.get(f"{said['base_url']}/readyz", **PLAIN)

    assert readiness.status_code == 503
    assert tables(empty) == set()


def test_serve_upgrades_the_schema_where_the_owner_is_named(empty: DatabaseUrls) -> None:
    settings = {"AUTOMATION_DATABASE_URL": empty.api, "AUTOMATION_MIGRATION_URL": empty.owner}

    with ready("serve", settings=settings) as said:
        readiness = httpx.get(f"{said['base_url']}/readyz", **PLAIN)

    assert readiness.status_code == 200
    assert "automation_executions" in tables(empty)


def test_a_demo_says_what_to_paste(empty: DatabaseUrls, tmp_path: Path) -> None:
    settings = {
        "AUTOMATION_DATABASE_URL": empty.api,
        "AUTOMATION_MIGRATION_URL": empty.owner,
        "AUTOMATION_WORKER_URL": empty.worker,
        "AUTOMATION_DATA_DIR": str(tmp_path / "data"),
        "AUTOMATION_PUBLISH_CONTRACT": "false",
    }

    with ready("demo", settings=settings) as said:
        written = json.loads((tmp_path / "data" / "demo.json").read_text())
        *_, header, url = said["curl"].replace("'", "").rsplit(" ", 3)
        key = written["keys"]["reader"]
        answer = httpx.get(url, headers={"x-api-key": key}, **PLAIN)

    assert (header, said["base_url"], said["documentation"]) == (key, written["base_url"], None)
    assert (said["demo"], said["log"]) == (str(tmp_path / "data" / "demo.json"), str(tmp_path / "data" / "demo.log"))
    assert answer.json()["data"]["execution_id"] == written["executions"]["completed"]


def test_the_embedded_database_is_shared_with_a_demo_that_runs(embedded_directory: Path) -> None:
    settings = {"AUTOMATION_DATA_DIR": str(embedded_directory)}

    with ready("demo", settings=settings):
        listed = document("tenants", "list", settings={**settings, "AUTOMATION_DATABASE_URL": "embedded"})

    assert [tenant["name"] for tenant in listed] == ["acme", "globex"]
    assert document("db", "current", settings={**settings, "AUTOMATION_MIGRATION_URL": "embedded"})["up_to_date"]
