"""Fences that hold while two write at the same moment: the second waits for the first, and sees what that has done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from psycopg.rows import scalar_row

from automation.domain.errors import AutomationError
from automation.domain.executions import ExecutionStatus
from automation.storage.pool.database import Database
from automation.storage.runs import Outcome
from tests.storage.claimed_writes import ENDINGS, WRITES
from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner

CANCELS = "SELECT FROM cancel_execution_v1(%(tenant)s, %(execution)s, 'cancelled')"
CLAIMS = "SELECT FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, NULL, 3600, NULL)"
DELETES = "SELECT FROM delete_execution_v1(%(tenant)s, %(execution)s)"
ENDS = """
SELECT finish_run_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => 1, p_fence => 1, p_status => 'failed',
    p_error_message => NULL, p_error_stack => NULL, p_failed_action => NULL, p_keep_call_key => false,
    p_first => 1, p_logs => NULL, p_last => NULL)
"""
RETRIES = """
SELECT FROM retry_execution_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_from => 'start', p_rule_version => 'same',
    p_trigger_data => NULL, p_attempt => NULL, p_request_id => NULL, p_triggered_by => NULL, p_max_pending => NULL,
    p_executions_per_day => NULL, p_stored_bytes => NULL)
"""

Doing = Callable[[Runner, UUID], Awaitable[object]]
"""What somebody does to an execution."""


async def code(doing: Awaitable[object]) -> str:
    """Return why something is not done, or that it was."""
    try:
        await doing
    except AutomationError as error:
        return error.code
    return "done"


async def running(runner: Runner) -> UUID:
    return (await runner.claimed()).execution_id


async def failed(runner: Runner) -> UUID:
    return await runner.failed()


async def pending(runner: Runner) -> UUID:
    return await runner.execute()


def cancel(runner: Runner, execution: UUID) -> Awaitable[object]:
    return runner.executions.cancel(runner.tenant, execution)


def delete(runner: Runner, execution: UUID) -> Awaitable[object]:
    return runner.executions.delete(runner.tenant, execution)


def retry(runner: Runner, execution: UUID) -> Awaitable[object]:
    return runner.executions.retry(runner.tenant, execution, retry_from="start")


@dataclass(frozen=True)
class Race:
    """Two who change an execution at the same time.

    Args:
        place: What there is.
        first: What one does to it, who is being waited for.
        second: What the other wants.
        answer: What that is told.
        left: What there is then.
    """

    place: Callable[[Runner], Awaitable[UUID]]
    first: str
    second: Doing
    answer: str
    left: str


RACES = {
    "an end and a cancel": Race(running, ENDS, cancel, "execution_finished", "failed"),
    "an end and a removal": Race(running, ENDS, delete, "done", "gone"),
    "an end and a retry": Race(running, ENDS, retry, "done", "pending"),
    "two retries": Race(failed, RETRIES, retry, "execution_not_retriable", "pending"),
    "a retry and a removal": Race(failed, RETRIES, delete, "execution_not_finished", "pending"),
    "a removal and a retry": Race(failed, DELETES, retry, "execution_not_found", "gone"),
    "a retry and a cancel": Race(failed, RETRIES, cancel, "done", "cancelled"),
    "a claim and a cancel": Race(pending, CLAIMS, cancel, "done", "running"),
}


async def meeting(runner: Runner, execution: UUID, first: str, second: Awaitable[object]) -> object:
    """Do the second while the first is done by somebody else, and return what comes of it."""
    async with somebody_else(runner) as other:
        await other.execute(first.encode(), {"tenant": runner.tenant, "execution": execution})
        task = await waiting(runner, other, _coroutine(second))
        await other.commit()
    return await task


async def _coroutine(work: Awaitable[object]) -> object:
    return await work


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_who_is_being_taken_over_waits_and_writes_nothing(runner: Runner, name: str) -> None:
    claim = await runner.claimed()
    runner.expire(claim.execution_id)

    done = await meeting(runner, claim.execution_id, CLAIMS, WRITES[name](runner.runs, claim))

    row = runner.row(claim.execution_id)
    assert done is None
    assert (row["status"], row["fence"], row["log_entries"]) == ("running", 2, 2)
    assert (row["call_key"], row["next_action"], row["tries"], row["resume_at"]) == (None, 0, 0, None)


@pytest.mark.parametrize("name", sorted(set(WRITES) - {"renew"}))
async def test_who_writes_while_a_cancel_is_accepted_learns_of_it(runner: Runner, name: str) -> None:
    claim = await runner.claimed()

    done = await meeting(runner, claim.execution_id, CANCELS, WRITES[name](runner.runs, claim))

    row = runner.row(claim.execution_id)
    assert done == (ExecutionStatus.CANCELLED if name in ENDINGS else Outcome.CANCELLED)
    assert row["status"] == ("cancelled" if name in ENDINGS else "running")
    assert (row["call_key"], row["resume_at"]) == (None, None)


@pytest.mark.parametrize("name", RACES)
async def test_of_two_who_change_an_execution_the_second_sees_what_the_first_has_done(
    runner: Runner, name: str
) -> None:
    race = RACES[name]
    execution = await race.place(runner)

    told = await meeting(runner, execution, race.first, code(race.second(runner, execution)))

    assert told == race.answer
    if race.left == "gone":
        assert await code(runner.status(execution)) == "execution_not_found"
    else:
        assert await runner.status(execution) == race.left


async def test_one_that_begins_as_it_expires_goes_on(runner: Runner, workers_database: Database) -> None:
    execution = await runner.execute()
    runner.change(execution, "expires_at = now() - interval '1 second'")
    named = {"tenant": runner.tenant, "execution": execution}
    begins = (
        "UPDATE automation_executions SET status = 'running', lease_until = now() WHERE execution_id = %(execution)s"
    )
    expire = b"SELECT expire_execution_v1(%(tenant)s, %(execution)s)"

    done = await meeting(runner, execution, begins, workers_database.fetch_one(expire, named, scalar_row))

    assert done is False
    assert await runner.status(execution) == "running"
