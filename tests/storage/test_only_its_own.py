"""Changes of one execution: whatever is done to it, every other one stays as it is, of its tenant and of others."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from automation.domain.executions import ExecutionStatus
from automation.storage.runs import Claim, Resting
from tests.storage.claimed_writes import WRITES
from tests.storage.runner import Runner, entry, told
from tests.storage.samples import Sample

_TABLES = (
    "SELECT table_name FROM information_schema.columns"
    " WHERE column_name = 'execution_id' AND table_schema = current_schema()"
    " AND table_name IN (SELECT relname FROM pg_class WHERE relkind = 'r')"
)


def others(runner: Runner, subject: UUID) -> dict[str, list[str]]:
    """Return all rows of every table that are of other executions, as text."""
    with psycopg.connect(runner.urls.admin) as admin:
        tables = [str(name) for (name,) in admin.execute(_TABLES).fetchall()]
        assert "automation_executions" in tables
        query = "SELECT to_jsonb(t)::text FROM {} t WHERE execution_id <> %s ORDER BY 1"
        rows = {table: admin.execute(query.format(table).encode(), (subject,)).fetchall() for table in tables}
    return {table: [row for (row,) in found] for table, found in rows.items()}


async def neighbours(runner: Runner, theirs: Sample) -> None:
    """Make executions in the states in which something may happen to them."""
    theirs.add_execution(status=ExecutionStatus.RUNNING)
    await runner.execute()
    claim = await runner.claimed()
    await runner.runs.log(claim, told(entry("one")))
    await runner.runs.wait(await runner.claimed(), next_action=1, resume_at=claim.execution.deadline_at)
    await runner.failed()
    asked = await runner.claimed()
    await runner.executions.cancel(runner.tenant, asked.execution_id)


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_a_write_of_a_run_changes_no_other_execution(runner: Runner, theirs: Sample, name: str) -> None:
    await neighbours(runner, theirs)
    claim = await runner.claimed()
    before, own = others(runner, claim.execution_id), runner.row(claim.execution_id)

    await WRITES[name](runner.runs, claim)

    assert others(runner, claim.execution_id) == before
    assert runner.row(claim.execution_id) != own


async def cancel(runner: Runner, execution: UUID) -> Any:
    return await runner.executions.cancel(runner.tenant, execution)


async def retry(runner: Runner, execution: UUID) -> Any:
    return await runner.executions.retry(runner.tenant, execution, retry_from="start")


async def claim_it(runner: Runner, execution: UUID) -> Claim | None:
    return await runner.claim(execution)


async def pending(runner: Runner) -> UUID:
    return await runner.execute()


async def running(runner: Runner) -> UUID:
    return (await runner.claimed()).execution_id


async def resting(runner: Runner) -> UUID:
    claim = await runner.claimed()
    ending = Resting(action_index=0, resume_at=claim.execution.deadline_at, last=entry())
    await runner.runs.end(claim, ending, told())
    return claim.execution_id


async def failed(runner: Runner) -> UUID:
    return await runner.failed()


@pytest.mark.parametrize(
    ("made", "change"),
    [(pending, cancel), (running, cancel), (resting, cancel), (failed, retry), (pending, claim_it)],
    ids=["cancel pending", "cancel running", "cancel resting", "retry", "claim"],
)
async def test_a_change_of_an_execution_changes_no_other(
    runner: Runner,
    theirs: Sample,
    made: Callable[[Runner], Awaitable[UUID]],
    change: Callable[[Runner, UUID], Awaitable[Any]],
) -> None:
    subject = await made(runner)
    await neighbours(runner, theirs)
    before, own = others(runner, subject), runner.row(subject)

    await change(runner, subject)

    assert others(runner, subject) == before
    assert runner.row(subject) != own
