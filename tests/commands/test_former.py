"""A database of before the first release is refused by every command that needs today's schema, in one line."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from automation.storage.embedded import EmbeddedServer
from automation.storage.former import REVISIONS
from tests.commands.terminal import Outcome, assert_refused, call, run
from tests.databases import Cluster, DatabaseUrls

pytestmark = pytest.mark.process

SERVING = ("serve", "--port", "0")
COMMANDS = (("db", "upgrade"), ("db", "downgrade", "base"), SERVING, ("worker",), ("demo",))


@pytest.fixture
def former(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A database whose schema has the newest of the former revisions."""
    with cluster.database(migrated=False) as urls:
        make_former(urls.owner, max(REVISIONS))
        yield urls


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose embedded database is a former one."""
    with EmbeddedServer(tmp_path) as urls:
        make_former(urls.owner, "0001")
    yield tmp_path
    EmbeddedServer(tmp_path).discard()


def make_former(owner: str, revision: str) -> None:
    """Give an empty database the revision of a former schema."""
    with psycopg.connect(owner) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)")
        connection.execute("GRANT SELECT ON alembic_version TO PUBLIC")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", (revision,))


def assert_refused_as_former(done: Outcome, revision: str, *advice: str) -> None:
    """Expect one line that says what to do; the demo's steps, which are indented, may stand before it."""
    told = [line for line in done.errors.splitlines(keepends=True) if not line.startswith("  ")]
    assert_refused(
        replace(done, errors="".join(told)), "before the first release", f"revision {revision}", *advice, code=1
    )


@pytest.mark.process
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_former_database_is_refused_with_what_to_do(
    former: DatabaseUrls, tmp_path: Path, command: tuple[str, ...]
) -> None:
    settings = {
        "AUTOMATION_DATA_DIR": str(tmp_path),
        "AUTOMATION_DATABASE_URL": former.api,
        "AUTOMATION_WORKER_URL": former.worker,
        "AUTOMATION_MIGRATION_URL": former.owner,
    }

    assert_refused_as_former(run(*command, settings=settings), "0010", "create a new one", "docs/operating.md")


@pytest.mark.process
@pytest.mark.parametrize("command", [SERVING, ("worker",)], ids=" ".join)
def test_it_is_refused_by_those_who_may_not_upgrade_it(former: DatabaseUrls, command: tuple[str, ...]) -> None:
    settings = {"AUTOMATION_DATABASE_URL": former.api, "AUTOMATION_WORKER_URL": former.worker}

    assert_refused_as_former(run(*command, settings=settings), "0010", "create a new one")


def test_every_former_revision_is_refused(former: DatabaseUrls) -> None:
    for revision in sorted(REVISIONS):
        with psycopg.connect(former.owner) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))

        done = call("db", "upgrade", settings={"AUTOMATION_MIGRATION_URL": former.owner})

        assert_refused_as_former(done, revision)


@pytest.mark.process
def test_the_files_of_a_former_embedded_database_are_named_and_can_be_removed(directory: Path) -> None:
    settings = {"AUTOMATION_DATA_DIR": str(directory)}

    done = run("demo", settings=settings)

    assert_refused_as_former(done, "0001", f"remove {directory}/postgres")
    for path in reversed(EmbeddedServer(directory).files()):
        assert str(path) in done.errors
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
    upgraded = run("db", "upgrade", "--json", settings={**settings, "AUTOMATION_DATABASE_URL": "embedded"})
    assert json.loads(upgraded.output)["changed"] is True
    assert upgraded.errors.startswith(f"automation: making an empty database in {directory} ")
