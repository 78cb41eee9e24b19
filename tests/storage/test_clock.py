"""Times that count in a transaction that waited: the clock's, when something is looked at or written."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from automation.domain.executions import ExecutionStatus
from tests.storage.locks import Transaction, somebody_else
from tests.storage.runner import Runner

CLAIM = "SELECT count(*) FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, NULL, 3600, NULL)"
PENDING = "status = 'pending', lease_until = NULL, started_at = NULL, fence = 0, deadline_at = NULL"
"""What makes a running execution one that is yet to begin."""
STATUS = "SELECT status FROM automation_executions WHERE execution_id = %(execution)s"
LAST_WORD = "SELECT max(timestamp) FROM automation_execution_logs WHERE execution_id = %(execution)s"
CALL = "SELECT begin_call_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 15, 0, %(tenant)s, 1, NULL)"
END = """
SELECT finish_run_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => 1, p_fence => %(fence)s,
    p_status => 'failed', p_error_message => NULL, p_error_stack => NULL, p_failed_action => NULL,
    p_keep_call_key => false, p_first => 1, p_logs => NULL, p_last => NULL)
"""
RETRY = """
SELECT FROM retry_execution_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_from => 'start', p_rule_version => 'same',
    p_trigger_data => NULL, p_attempt => NULL, p_request_id => NULL, p_triggered_by => NULL, p_max_pending => NULL,
    p_executions_per_day => NULL, p_stored_bytes => NULL)
"""
CREATE = """
SELECT outcome FROM create_execution_v1(
    %(tenant)s, gen_random_uuid(), %(rule)s, %(user)s, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, '{}',
    p_made => '{"labels": {}, "deduplication_key": "7"}', p_made_of => 1)
"""
POSTPONE = """
SELECT outcome FROM create_execution_v1(
    %(tenant)s, %(execution)s, %(rule)s, %(user)s, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, '{}')
"""
QUIET = "UPDATE automation_rules SET debounce_seconds = 60 WHERE rule_id = %(rule)s"
CANCEL_PREVIOUS = """
SELECT cancel_previous_executions_v1(
    %(tenant)s, %(rule)s, %(older)s,
    (SELECT queued_at FROM automation_executions WHERE execution_id = %(older)s), 1)
"""


def column(name: str, later: str = "0 seconds") -> str:
    """Return a question for a time of the execution, less what it lies ahead."""
    return f"SELECT {name} - interval '{later}' FROM automation_executions WHERE execution_id = %(execution)s"


DUE: dict[str, tuple[str, str | None, str, object]] = {
    "it may begin": (f"{PENDING}, run_at = clock_timestamp()", None, CLAIM, 1),
    "it expired, and is skipped by who claims it": (
        f"{PENDING}, expires_at = clock_timestamp()",
        CLAIM,
        STATUS,
        "skipped",
    ),
    "it expired": (
        f"{PENDING}, expires_at = clock_timestamp()",
        None,
        "SELECT expire_execution_v1(%(tenant)s, %(execution)s)",
        True,
    ),
    "its time is over": ("deadline_at = clock_timestamp()", None, CALL, "out_of_time"),
    "its turn has come": (
        f"{PENDING}, queued_at = clock_timestamp()",
        None,
        "SELECT count(*) FROM waiting_executions_v1(%(tenant)s, %(rule)s, NULL, 10)",
        2,
    ),
    "its turn has come among those with its key": (
        f"{PENDING}, queued_at = clock_timestamp(), concurrency_key = '7'",
        None,
        "SELECT count(*) FROM waiting_executions_v1(%(tenant)s, %(rule)s, '7', 10)",
        1,
    ),
    "it takes the place of a former one": (f"{PENDING}, queued_at = clock_timestamp()", None, CANCEL_PREVIOUS, True),
    "another trigger is the same": (
        f"{PENDING}, queued_at = clock_timestamp(), deduplication_key = '7'",
        None,
        CREATE,
        "already_pending",
    ),
}
"""What became of an execution since a transaction began, what that does, what it asks then, and the answer."""

WRITTEN: dict[str, tuple[str, list[str], list[str]]] = {
    "a claim": (
        PENDING,
        [CLAIM],
        [
            column("lease_until", "15 seconds"),
            column("due_at", "15 seconds"),
            column("started_at"),
            column("deadline_at", "3600 seconds"),
            LAST_WORD,
        ],
    ),
    "a takeover": (
        "lease_until = now() - interval '1 second', started_at = now() - interval '1 minute'",
        [CLAIM],
        [column("lease_until", "15 seconds"), column("due_at", "15 seconds"), LAST_WORD],
    ),
    "a call": (
        "lease_until = now() + interval '9 seconds'",
        [CALL],
        [column("lease_until", "15 seconds"), column("due_at", "15 seconds")],
    ),
    "a renewal": (
        "lease_until = now() + interval '9 seconds'",
        ["SELECT FROM renew_claim_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 15)"],
        [column("lease_until", "15 seconds"), column("due_at", "15 seconds")],
    ),
    "an end": ("tries = 0", [END], [column("completed_at")]),
    "an end after a cancel": ("cancel_requested_at = now(), cancel_reason = 'enough'", [END], [LAST_WORD]),
    "a cancel": (PENDING, ["SELECT FROM cancel_execution_v1(%(tenant)s, %(execution)s, 'enough')"], [LAST_WORD]),
    "a retry": ("status = 'failed', lease_until = NULL, due_at = NULL", [RETRY], [column("queued_at")]),
    "a quiet": (
        "tries = 0",
        [QUIET, POSTPONE.replace("%(execution)s", "%(new)s")],
        [
            f"SELECT {name} - interval '60 seconds' FROM automation_executions WHERE execution_id = %(new)s"
            for name in ("run_at", "queued_at", "due_at")
        ],
    ),
    "a quiet that begins anew": (
        f"{PENDING}, deduplication_key = '', run_at = now() + interval '9 seconds', queued_at = now() + interval '9 s'",
        [QUIET, POSTPONE],
        [column(name, "60 seconds") for name in ("run_at", "queued_at", "due_at")],
    ),
}
"""How an execution is, what is written of it, and the times that this says."""


@pytest.fixture
async def other(runner: Runner) -> AsyncIterator[Transaction]:
    async with somebody_else(runner) as transaction:
        yield transaction


async def named(runner: Runner) -> dict[str, Any]:
    """Return what statements name: a running execution, and one of its rule that is older."""
    rule = await runner.rule()
    older = await runner.execute(rule)
    claim = await runner.claimed(await runner.execute(rule))
    return {
        "tenant": runner.tenant,
        "user": runner.sample.user,
        "rule": rule.rule_id,
        "older": older,
        "execution": claim.execution_id,
        "new": runner.sample.user,
        "fence": claim.fence,
    }


async def answer(other: Transaction, question: str, names: dict[str, Any]) -> object:
    """Return the one value that a question is answered with."""
    row = await (await other.execute(question.encode(), names)).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", DUE)
async def test_what_came_due_since_the_transaction_began_is_due(runner: Runner, other: Transaction, name: str) -> None:
    change, does, asks, expected = DUE[name]
    names = await named(runner)
    await other.execute(b"SELECT now()")

    runner.change(names["execution"], change)
    if does is not None:
        await other.execute(does.encode(), names)

    assert await answer(other, asks, names) == expected


@pytest.mark.parametrize("name", WRITTEN)
async def test_what_is_written_tells_the_time_at_which_it_is(runner: Runner, other: Transaction, name: str) -> None:
    change, does, asks = WRITTEN[name]
    names = await named(runner)
    runner.change(names["execution"], change)
    await other.execute(b"SELECT now()")
    since = await answer(other, "SELECT clock_timestamp()", names)
    assert isinstance(since, datetime)

    for statement in does:
        await other.execute(statement.encode(), names)

    for question in asks:
        told = await answer(other, question, names)
        assert isinstance(told, datetime)
        assert told >= since, question


async def test_an_end_takes_as_long_as_the_clock_says(runner: Runner, other: Transaction) -> None:
    await other.execute(b"SELECT now()")
    claim = await runner.claimed()
    names = {"tenant": runner.tenant, "execution": claim.execution_id, "fence": claim.fence}

    await other.execute(END.encode(), names)

    asked = "SELECT duration_ms FROM automation_executions WHERE execution_id = %(execution)s"
    duration = await answer(other, asked, names)
    assert isinstance(duration, float)
    assert duration > 0
    await other.commit()
    assert await runner.status(claim.execution_id) is ExecutionStatus.FAILED
