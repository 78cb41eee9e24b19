"""First of those that a tenant's limit holds back: which it is, and with which job it is woken."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner
from tests.storage.samples import CREATED_AT, Sample

HELD = """
UPDATE automation_executions SET held_back = true, status = %s, priority = %s, queued_at = %s WHERE execution_id = %s
"""
WAKE = "SELECT set_config('app.tenant', %(tenant)s::text, true), wake_held_execution_v1(%(tenant)s)"
JOBS = "SELECT args FROM procrastinate.procrastinate_jobs WHERE args ->> 'tenant' = %s::text"

# Status, priority and seconds in the queue of each, and which of them is first.
ORDERS: dict[str, tuple[list[tuple[str, int, int]], int]] = {
    "the oldest": ([("pending", 0, 5), ("pending", 0, 9), ("pending", 0, 7)], 1),
    "before that, the one with the highest priority": ([("pending", 2, 5), ("pending", 7, 3), ("pending", 0, 9)], 1),
    "before all, one that has begun": ([("pending", 9, 9), ("running", 0, 5), ("running", 0, 3)], 1),
    "the only one": ([("pending", 0, 5)], 0),
}


@pytest.fixture
def admin(runner: Runner) -> Iterator["psycopg.Connection[dict[str, Any]]"]:
    with psycopg.connect(runner.urls.admin, row_factory=dict_row) as connection:
        yield connection


async def held(runner: Runner, admin: "psycopg.Connection[dict[str, Any]]", *made: tuple[str, int, int]) -> list[Any]:
    """Hold some back, of which one after the other was queued so many seconds ago."""
    executions = [await runner.execute() for _ in made]
    runner.take_jobs()
    for execution, (status, priority, seconds) in zip(executions, made, strict=True):
        admin.execute(HELD, (status, priority, CREATED_AT - timedelta(seconds=seconds), execution))
    admin.commit()
    return executions


@pytest.mark.parametrize("name", ORDERS)
async def test_the_first_has_a_job_and_time_to_begin_and_the_others_are_held_on(
    runner: Runner, theirs: Sample, admin: "psycopg.Connection[dict[str, Any]]", name: str
) -> None:
    made, first = ORDERS[name]
    executions = await held(runner, admin, *made)
    status, priority, seconds = made[first]
    admin.execute(HELD, ("pending", 10, CREATED_AT - timedelta(days=1), theirs.execution.execution_id))

    admin.execute(WAKE, {"tenant": runner.tenant})

    [job] = admin.execute(JOBS, (runner.tenant,)).fetchall()
    since = CREATED_AT - timedelta(seconds=seconds)
    assert job["args"] == {
        "tenant": str(runner.tenant),
        "execution_id": str(executions[first]),
        "attempt": 1,
        "rank": -11 if status == "running" else -priority,
        "since": round(since.timestamp() * 1_000_000),
    }
    query = (
        "SELECT held_back, due_at = now() + interval '10 s' AS soon FROM automation_executions WHERE execution_id = %s"
    )
    rows = [admin.execute(query, (each,)).fetchone() for each in executions]
    assert [row and row["held_back"] for row in rows] == [number != first for number in range(len(made))]
    assert [bool(row and row["soon"]) for row in rows] == [number == first for number in range(len(made))]


async def test_where_none_is_held_back_nothing_is_woken(
    runner: Runner, admin: "psycopg.Connection[dict[str, Any]]"
) -> None:
    await runner.execute()
    runner.take_jobs()

    admin.execute(WAKE, {"tenant": runner.tenant})

    assert admin.execute(JOBS, (runner.tenant,)).fetchall() == []


async def test_one_that_somebody_has_locked_is_passed_over_and_the_next_is_held_by_who_wakes_it(
    runner: Runner, admin: "psycopg.Connection[dict[str, Any]]"
) -> None:
    first, second = await held(runner, admin, ("pending", 0, 9), ("pending", 0, 5))
    lock = "SELECT execution_id FROM automation_executions WHERE tenant = %s AND held_back FOR UPDATE SKIP LOCKED"
    async with somebody_else(runner) as other:
        await other.execute("SELECT FROM automation_executions WHERE execution_id = %s FOR UPDATE", (first,))

        admin.execute("SET LOCAL lock_timeout = '2s'")
        admin.execute(WAKE, {"tenant": runner.tenant})

        free = await (await other.execute(lock, (runner.tenant,))).fetchall()
    [job] = admin.execute(JOBS, (runner.tenant,)).fetchall()
    assert job["args"]["execution_id"] == str(second)
    assert free == [(first,)]


LOCK = "SELECT pg_advisory_xact_lock{}(uuid_hash_extended(%s, 0))"


async def test_whoever_wakes_waits_for_claims_that_are_about_to_hold_one_back(
    runner: Runner, admin: "psycopg.Connection[dict[str, Any]]"
) -> None:
    execution = await runner.execute()
    runner.take_jobs()
    async with somebody_else(runner) as claims, somebody_else(runner) as wakes:
        await claims.execute(LOCK.format("").encode(), (runner.tenant,))
        waking = await waiting(runner, claims, wakes.execute(WAKE.encode(), {"tenant": runner.tenant}))
        await claims.execute(HELD.encode(), ("pending", 0, CREATED_AT, execution))
        await claims.commit()
        await waking

    [job] = admin.execute(JOBS, (runner.tenant,)).fetchall()
    assert job["args"]["execution_id"] == str(execution)


async def test_those_who_wake_do_not_wait_for_each_other(
    runner: Runner, admin: "psycopg.Connection[dict[str, Any]]"
) -> None:
    await held(runner, admin, ("pending", 0, 5))
    async with somebody_else(runner) as other:
        await other.execute(LOCK.format("_shared").encode(), (runner.tenant,))

        admin.execute("SET LOCAL lock_timeout = '2s'")
        admin.execute(WAKE, {"tenant": runner.tenant})

    assert len(admin.execute(JOBS, (runner.tenant,)).fetchall()) == 1
