"""Restrictions of a stolen login, and what PostgreSQL lets everybody do all the same (decision 37)."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.databases import DatabaseUrls
from tests.storage.roles import Connection

ROLES = ("api", "worker")

FORBIDDEN = {
    "a temporary table": "CREATE TEMPORARY TABLE mine (filling text)",
    "a temporary view": "CREATE TEMPORARY VIEW mine AS SELECT 1",
    "a table": "CREATE TABLE public.mine (filling text)",
    "a table beside the queue": "CREATE TABLE procrastinate.mine (filling text)",
    "a schema": "CREATE SCHEMA mine",
    "a large object": "SELECT lo_create(0)",
    "a large object by its mode": "SELECT lo_creat(-1)",
    "a large object with content": "SELECT lo_from_bytea(0, 'mine')",
    "a large object from a file": "SELECT lo_import('/etc/passwd')",
    "a file read": "SELECT pg_read_file('/etc/passwd')",
    "a directory read": "SELECT pg_ls_dir('/')",
    "a file written": "COPY (SELECT 1) TO '/tmp/mine'",
    "a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "another limit of temporary files": "SET temp_file_limit = -1",
    "a setting of the server": "ALTER SYSTEM SET work_mem = '1GB'",
    "a reload": "SELECT pg_reload_conf()",
    "the directory's role": "SET ROLE automation_directory",
    "a role": "CREATE ROLE mine",
    "logging switched off": "SET log_min_messages = 'panic'",
    "triggers switched off": "SET session_replication_role = 'replica'",
}


@pytest.fixture(params=ROLES)
def connection(request: pytest.FixtureRequest, database_urls: DatabaseUrls) -> Iterator[Connection]:
    with psycopg.connect(getattr(database_urls, request.param), autocommit=True) as opened:
        yield opened


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_login_may_not_take_from_others(connection: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_a_login_sees_no_query_of_another_one_and_cannot_end_it(
    connection: Connection, database_urls: DatabaseUrls
) -> None:
    with psycopg.connect(database_urls.owner) as owner:
        pid = owner.info.backend_pid
        owner.execute("SELECT 'a secret of the owner'")
        seen = connection.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    assert seen == ("<insufficient privilege>",)


def test_a_login_sees_no_statistics_of_what_a_policy_hides(connection: Connection, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin, autocommit=True) as admin:
        admin.execute("ANALYZE automation_executions, automation_rules")

    seen = connection.execute("SELECT count(*) FROM pg_stats WHERE tablename LIKE 'automation%'").fetchone()

    assert seen == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "SET statement_timeout = 0",
        "SET work_mem = '1GB'",
        "NOTIFY automation, 'anything'",
        "SELECT pg_advisory_lock(28)",
        "SELECT count(*) FROM generate_series(1, 1000)",
    ],
)
def test_what_can_not_be_forbidden_is_said_to_be_so(connection: Connection, statement: str) -> None:
    # Where PostgreSQL comes to refuse one of these, the decision is out of date, and there is something to revoke.
    connection.execute(statement)
