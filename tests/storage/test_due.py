"""No execution is forgotten: what nobody looks after gets another job, whosesoever it is, and gets it once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from automation.storage.due import Due
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner
from tests.storage.samples import Sample

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_is_due(database_urls: DatabaseUrls) -> None:
    """What other tests have left is out of the way."""
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("UPDATE automation_executions SET due_at = NULL")
        admin.execute("DELETE FROM procrastinate.procrastinate_jobs")


async def swept(due: Due, limit: int = 100) -> list[UUID]:
    return [execution for _, execution, _ in await due.sweep(limit)]


async def test_a_pending_one_whose_job_was_lost_gets_another_after_10_seconds(runner: Runner, due: Due) -> None:
    execution = await runner.execute()
    runner.take_jobs()

    early = await due.sweep(100)
    runner.change(execution, "due_at = due_at - interval '10 seconds'")
    late = await due.sweep(100)
    again = await due.sweep(100)

    assert early == []
    assert late == [(runner.tenant, execution, 1)]
    assert again == []
    assert runner.jobs() == [{"tenant": str(runner.tenant), "execution_id": str(execution), "attempt": 1}]


async def test_while_a_job_waits_in_the_queue_no_other_is_written(runner: Runner, due: Due) -> None:
    execution = await runner.execute()
    runner.change(execution, "due_at = now()")

    found = await swept(due)

    assert found == [execution]
    assert len(runner.jobs(execution)) == 1


async def test_one_whose_lease_ran_out_is_found_at_once(runner: Runner, due: Due) -> None:
    claim = await runner.claimed(lease=15)
    early = await swept(due)
    runner.expire(claim.execution_id)

    assert early == []
    assert await swept(due) == [claim.execution_id]
    assert await swept(due) == []


async def test_one_that_is_renewed_is_not_found(runner: Runner, due: Due) -> None:
    claim = await runner.claimed(lease=15)
    runner.expire(claim.execution_id)
    await runner.runs.renew(claim, lease=15)

    assert await swept(due) == []


async def test_a_wait_is_found_when_it_is_over(runner: Runner, due: Due) -> None:
    claim = await runner.claimed()
    await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(seconds=0.3))
    early = await swept(due)
    await asyncio.sleep(0.35)

    assert early == []
    assert await swept(due) == [claim.execution_id]
    assert await runner.claim(claim.execution_id) is not None


async def test_a_wait_is_found_when_the_executions_time_is_over(runner: Runner, due: Due) -> None:
    execution = await runner.execute(await runner.rule(execution_timeout_seconds=1))
    claim = await runner.claimed(execution)
    await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + HOUR)
    early = await swept(due)
    await asyncio.sleep(1.05)

    assert early == []
    assert await swept(due) == [execution]
    assert await runner.claim(execution) is None
    assert await runner.status(execution) == "timeout"


async def test_all_tenants_are_swept(runner: Runner, theirs: Sample, due: Due) -> None:
    ours = await runner.execute()
    other = theirs.execution.execution_id
    for execution in (ours, other):
        runner.change(execution, "due_at = now()")

    found = await due.sweep(100)

    assert sorted(found) == sorted([(runner.tenant, ours, 1), (theirs.tenant, other, 1)])


async def test_sweeps_at_once_never_find_the_same(runner: Runner, due: Due) -> None:
    rule = await runner.rule()
    executions = [await runner.execute(rule) for _ in range(40)]
    for execution in executions:
        runner.change(execution, "due_at = now()")

    found = await asyncio.gather(*(swept(due, 10) for _ in range(8)))

    assert sorted(execution for sweep in found for execution in sweep) == sorted(executions)


async def test_a_sweep_waits_for_nobody(runner: Runner, due: Due, database_urls: DatabaseUrls) -> None:
    locked, free = await runner.execute(), await runner.execute()
    for execution in (locked, free):
        runner.change(execution, "due_at = now()")

    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SELECT FROM automation_executions WHERE execution_id = %s FOR UPDATE", (locked,))
        meanwhile = await asyncio.wait_for(swept(due), 1)
    afterwards = await swept(due)

    assert (meanwhile, afterwards) == ([free], [locked])


async def test_those_that_run_come_before_those_that_wait_for_their_turn(runner: Runner, due: Due) -> None:
    pending = await runner.execute()
    runner.change(pending, "due_at = now() - interval '1 hour'")
    claim = await runner.claimed()
    runner.expire(claim.execution_id)

    assert await swept(due, 1) == [claim.execution_id]
    assert await swept(due, 1) == [pending]


async def test_one_that_has_ended_is_never_found(runner: Runner, due: Due) -> None:
    await runner.failed()

    assert await swept(due) == []


async def test_a_change_of_the_rule_has_its_pending_ones_looked_at(runner: Runner, due: Due) -> None:
    rule = await runner.rule(max_concurrent_executions=1)
    first, second = await runner.execute(rule), await runner.execute(rule)
    await runner.claimed(first)
    await runner.claim(second)
    early = await swept(due)

    changed = replace(rule.content, name="Another name")
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, changed)

    assert early == []
    assert await swept(due) == [second]
