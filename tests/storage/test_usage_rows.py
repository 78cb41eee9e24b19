"""Rows of what a tenant has used: in which one a use is counted, by the backend's number and by who holds them."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.storage.roles import Connection
from tests.storage.runner import Runner

PID, OWN, SECOND = 40000, 40000 - 2**15, -1 - (40000 - 2**15)
"""A backend's number that is larger than a row's may be, and the rows that are its own."""

PRETENDED = """
CREATE SCHEMA IF NOT EXISTS pretended;
CREATE OR REPLACE FUNCTION pretended.pg_backend_pid() RETURNS integer LANGUAGE sql AS 'SELECT {pid}';
CREATE OR REPLACE FUNCTION pretended.random() RETURNS double precision LANGUAGE sql AS 'SELECT {chance}';
"""
COUNT = "SELECT count_use_v1(%s, %s, 'today', 1)"
ROWS = "SELECT shard, used FROM tenant_usage WHERE tenant = %s AND name = %s ORDER BY shard"
KEEP = "INSERT INTO tenant_usage (tenant, name, shard, day, used) VALUES (%s, %s, %s, 'today', 5)"
NAME = "mails_per_day"

COUNTED: dict[str, tuple[list[int], list[int], float, list[tuple[int, int]]]] = {
    "there is none": ([], [], 0, [(OWN, 1)]),
    "its own is free": ([-9, OWN, 9], [], 0, [(-9, 5), (9, 5), (OWN, 6)]),
    "others' are free": ([-9, 9], [], 0, [(-9, 6), (9, 5)]),
    "its own is held, and another is free": ([OWN, 9], [OWN], 0, [(9, 6), (OWN, 5)]),
    "another is held": ([9], [9], 0, [(9, 5), (OWN, 1)]),
    "its own is held": ([OWN], [OWN], 0, [(SECOND, 1), (OWN, 5)]),
    "both its own are held": ([OWN, SECOND], [OWN, SECOND], 0, [(-(2**15), 1), (SECOND, 5), (OWN, 5)]),
    "and chance is at its end": ([OWN, SECOND], [OWN, SECOND], 1, [(SECOND, 5), (OWN, 5), (2**15 - 1, 1)]),
}
"""The rows that there are, those that somebody holds, what chance says, and the rows that there are then."""


@pytest.fixture
def backend(runner: Runner) -> Iterator[Connection]:
    with psycopg.connect(runner.urls.admin) as connection:
        yield connection


def rows(runner: Runner, name: str = NAME) -> list[tuple[object, ...]]:
    with psycopg.connect(runner.urls.admin) as admin:
        return admin.execute(ROWS, (runner.tenant, name)).fetchall()


@pytest.mark.parametrize("name", COUNTED)
def test_a_use_is_counted_once_where_nobody_has_to_wait(runner: Runner, backend: Connection, name: str) -> None:
    there, held, chance, left = COUNTED[name]
    for shard in there:
        backend.execute(KEEP, (runner.tenant, NAME, shard))
    backend.execute(KEEP, (runner.tenant, "executions_per_day", OWN))
    backend.execute(PRETENDED.format(pid=PID, chance=chance).encode())
    backend.commit()

    with psycopg.connect(runner.urls.admin) as other:
        query = "SELECT FROM tenant_usage WHERE tenant = %s AND name = %s AND shard = ANY (%s) FOR UPDATE"
        other.execute(query, (runner.tenant, NAME, held))
        backend.execute("SET search_path = pretended, pg_catalog, public")
        backend.execute(COUNT, (runner.tenant, NAME))
        backend.commit()

    assert rows(runner) == left
    assert (OWN, 5) in rows(runner, "executions_per_day")


def test_where_events_start_nothing_no_use_is_counted(runner: Runner, backend: Connection) -> None:
    query = (
        "SELECT outcome FROM publish_events_v1(%s, %s, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', NULL, NULL,"
        " NULL, NULL, NULL)"
    )

    started = backend.execute(query, (runner.tenant, runner.sample.user)).fetchall()
    backend.commit()

    assert started == []
    assert rows(runner, "executions_per_day") == []
