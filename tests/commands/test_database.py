"""``automation db``, and which commands may change a schema that they find."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from automation.storage.revisions import head
from tests.commands.terminal import assert_refused, call, document, run
from tests.databases import Cluster, DatabaseUrls


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A database without any tables."""
    with cluster.database(migrated=False) as urls:
        yield urls


@pytest.fixture
def owned(empty: DatabaseUrls) -> Mapping[str, str]:
    """The settings of an operator who names the empty database."""
    return {"AUTOMATION_MIGRATION_URL": empty.owner}


def count_tables(urls: DatabaseUrls) -> int:
    """Return how many tables the database has."""
    with psycopg.connect(urls.admin) as connection:
        (row,) = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return int(row[0])


def test_the_schema_goes_up_and_down(owned: Mapping[str, str]) -> None:
    newest = head()

    steps = [
        document("db", "current", settings=owned)["revision"],
        document("db", "upgrade", "0001", settings=owned)["after"],
        document("db", "upgrade", settings=owned)["after"],
        document("db", "downgrade", "-1", settings=owned)["before"],
        document("db", "downgrade", "base", settings=owned)["after"],
    ]

    assert steps == [None, "0001_initial", newest, newest, None]


def test_an_upgrade_of_a_current_schema_changes_nothing(settings: Mapping[str, str]) -> None:
    assert document("db", "upgrade", settings=settings)["changed"] is False
    assert document("db", "current", settings=settings)["up_to_date"] is True


@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_an_unknown_revision_is_told_in_one_line(settings: Mapping[str, str], direction: str) -> None:
    assert_refused(call("db", direction, "9999", settings=settings), "9999")


def test_administration_says_when_the_tables_are_missing(owned: Mapping[str, str], empty: DatabaseUrls) -> None:
    done = call("tenants", "create", "acme", settings=owned)

    assert_refused(done, "automation db upgrade", code=1)
    assert count_tables(empty) == 0


OWNERS = (
    ("db", "upgrade"),
    ("db", "downgrade", "base"),
    ("db", "current"),
    ("tenants", "create", "acme"),
    ("tenants", "list"),
    ("users", "list", "--tenant", "cd812325-1a37-5e39-861b-5cc42823026d"),
    ("keys", "list"),
    ("keys", "revoke", "ak_00000000"),
)


@pytest.mark.parametrize("arguments", OWNERS, ids=" ".join)
@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_login_that_is_not_the_owners_is_refused_in_one_line(
    database_urls: DatabaseUrls, role: str, arguments: tuple[str, ...]
) -> None:
    done = call(*arguments, settings={"AUTOMATION_MIGRATION_URL": getattr(database_urls, role)})

    assert (done.output, len(done.errors.splitlines())) == ("", 1), done
    assert done.code in {1, 2}
    assert "role" in done.errors
    assert "own" in done.errors


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "variable", "role", "group"),
    [
        ("serve", "AUTOMATION_DATABASE_URL", "worker", "automation_api"),
        ("worker", "AUTOMATION_WORKER_URL", "api", "automation_worker"),
    ],
)
def test_a_process_with_the_others_login_is_refused_in_one_line(
    database_urls: DatabaseUrls, command: str, variable: str, role: str, group: str
) -> None:
    done = run(command, settings={variable: getattr(database_urls, role)})

    assert_refused(done, variable, group, role, code=1)


@pytest.mark.process
def test_every_command_refuses_a_database_of_another_encoding_in_one_line(cluster: Cluster) -> None:
    with cluster.encoded("SQL_ASCII") as urls:
        owned = {"AUTOMATION_MIGRATION_URL": urls.owner}
        refused = [
            call("db", "upgrade", settings=owned),
            call("tenants", "list", settings=owned),
            run("serve", settings={"AUTOMATION_DATABASE_URL": urls.api}),
            run("worker", settings={"AUTOMATION_WORKER_URL": urls.worker}),
        ]

    for done in refused:
        assert_refused(done, "SQL_ASCII", "ENCODING 'UTF8'", code=1)
