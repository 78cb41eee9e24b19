"""Executions that a sweep finds due: which of them, with which job, and until when they are left alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.storage.runner import Runner
from tests.storage.samples import CREATED_AT

Admin = psycopg.Connection[dict[str, Any]]
DUE = """
UPDATE automation_executions SET status = %s, priority = %s, queued_at = %s, due_at = now() + %s::interval
WHERE execution_id = %s
"""
SWEEP = "SELECT execution_id, attempt FROM sweep_due_executions_v1(%s)"
JOBS = "SELECT args FROM procrastinate.procrastinate_jobs WHERE args ->> 'tenant' = %s::text ORDER BY id"
SOON = "SELECT due_at = now() + interval '10 s' AS soon FROM automation_executions WHERE execution_id = %s"


@pytest.fixture
def admin(runner: Runner) -> Iterator[Admin]:
    """A transaction in which nothing else is due, and of which nothing stays."""
    with psycopg.connect(runner.urls.admin, row_factory=dict_row) as connection:
        connection.execute("UPDATE automation_executions SET due_at = NULL")
        connection.execute("DELETE FROM procrastinate.procrastinate_jobs")
        yield connection
        connection.rollback()


async def due(runner: Runner, admin: Admin, *made: tuple[str, int, str]) -> list[UUID]:
    """Make executions of a status and a priority that are due so long from now."""
    executions = [await runner.execute() for _ in made]
    admin.execute("DELETE FROM procrastinate.procrastinate_jobs")
    for number, (execution, (status, priority, when)) in enumerate(zip(executions, made, strict=True)):
        admin.execute(DUE, (status, priority, CREATED_AT + timedelta(seconds=number), when, execution))
    return executions


def swept(admin: Admin, most: int) -> list[UUID]:
    return [row["execution_id"] for row in admin.execute(SWEEP, (most,)).fetchall()]


async def test_what_is_due_has_a_job_and_ten_seconds_to_be_claimed(runner: Runner, admin: Admin) -> None:
    made = [("pending", 4, "-1 s"), ("running", 4, "0 s"), ("pending", 0, "0 s"), ("pending", 0, "1 us")]
    late, running, now, early = await due(runner, admin, *made)

    found = swept(admin, 10)

    assert (found[0], set(found[1:])) == (running, {late, now})
    jobs = [row["args"] for row in admin.execute(JOBS, (runner.tenant,)).fetchall()]
    told = {UUID(job["execution_id"]): (job["attempt"], job["rank"], job["since"]) for job in jobs}
    since = [round((CREATED_AT + timedelta(seconds=number)).timestamp() * 1_000_000) for number in range(3)]
    assert told == {late: (1, -4, since[0]), running: (1, -11, since[1]), now: (1, 0, since[2])}
    assert len(jobs) == len(told)
    soon = [admin.execute(SOON, (each,)).fetchone() for each in (late, running, now, early)]
    assert [row and row["soon"] for row in soon] == [True, True, True, False]
    assert swept(admin, 10) == []


@pytest.mark.parametrize("most", [1, 2, 3, 4])
async def test_no_more_are_swept_than_are_asked_for_and_those_that_run_first(
    runner: Runner, admin: Admin, most: int
) -> None:
    made = [("pending", 0, "-3 s"), ("running", 0, "-1 s"), ("running", 0, "-2 s"), ("pending", 0, "-1 s")]
    executions = await due(runner, admin, *made)

    found = swept(admin, most)

    first = [executions[number] for number in (2, 1, 0, 3)][:most]
    assert len(found) == most
    assert (set(found[:2]), set(found[2:])) == (set(first[:2]), set(first[2:]))


async def test_one_that_has_a_job_gets_none_more_and_is_told_all_the_same(runner: Runner, admin: Admin) -> None:
    [execution] = await due(runner, admin, ("pending", 0, "-1 s"))
    admin.execute("SELECT enqueue_execution_v1(%s, %s, 1, 5, 7)", (runner.tenant, execution))

    assert swept(admin, 5) == [execution]

    jobs = [row["args"] for row in admin.execute(JOBS, (runner.tenant,)).fetchall()]
    assert [(job["rank"], job["since"]) for job in jobs] == [(5, 7)]


async def test_one_that_somebody_has_locked_is_left_to_him(runner: Runner, admin: Admin) -> None:
    locked, free = await due(runner, admin, ("pending", 0, "-2 s"), ("pending", 0, "-1 s"))
    with psycopg.connect(runner.urls.admin) as other:
        admin.commit()
        other.execute("SELECT FROM automation_executions WHERE execution_id = %s FOR NO KEY UPDATE", (locked,))

        admin.execute("SET LOCAL lock_timeout = '2s'")
        found = swept(admin, 5)

    assert found == [free]
