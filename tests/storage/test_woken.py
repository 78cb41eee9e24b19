"""Executions that wait for others: who wakes them, with which place in the queue, and when the sweep looks for them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy
from automation.storage.runs import Claim
from tests.storage.locks import Transaction, somebody_else
from tests.storage.runner import Runner

GONE = "lease_until = now() - interval '1 second'"
"""What a run is whose worker is gone."""

OVER = {
    "cancelled": f"{GONE}, cancel_requested_at = now(), cancel_reason = 'enough'",
    "timeout": f"{GONE}, deadline_at = now() - interval '1 second'",
    "skipped": "status = 'pending', lease_until = NULL, expires_at = now() - interval '1 second'",
}
"""What ends when somebody claims it, by how it ends."""

STAYS = {
    "another's": "tries = 0",
    "paused": "status = 'pending', lease_until = NULL",
    "refused": "status = 'pending', lease_until = NULL",
}
"""What does not begin when somebody claims it."""

CLAIM = "SELECT FROM claim_execution_v1(%(tenant)s, %(execution)s, 1, 15, {most}, 3600, NULL)"
PLACE = """
SELECT (j.args ->> 'rank')::integer, (j.args ->> 'since')::bigint - (extract(epoch FROM {since}) * 1000000)::bigint
FROM procrastinate.procrastinate_jobs j JOIN automation_executions e ON e.execution_id = %(execution)s
WHERE j.args ->> 'execution_id' = %(execution)s::text
"""
DUE = b"""
SELECT extract(epoch FROM due_at - now())::integer FROM automation_executions WHERE execution_id = %(execution)s
"""
PENDING = "status = 'pending', lease_until = NULL, priority = 7, queued_at = now() - interval '1 minute'"

# What is done in one transaction to a running execution that is changed before; the job that it has then, by its rank
# and its age less the execution's; and after how many seconds the sweep looks at it.
JOBS: dict[str, tuple[str, str, tuple[int, str] | None, int | None]] = {
    "one that is held back and pending is woken": (
        f"{PENDING}, held_back = true",
        "SELECT wake_held_execution_v1(%(tenant)s)",
        (-7, "e.queued_at"),
        10,
    ),
    "one that is held back in a wait is woken before all that are pending": (
        "held_back = true, lease_until = NULL, priority = 7, queued_at = now() - interval '1 minute'",
        "SELECT wake_held_execution_v1(%(tenant)s)",
        (-11, "e.queued_at"),
        10,
    ),
    "one that its rule's limit holds back is woken": (
        PENDING,
        "SELECT wake_executions_v1(%(tenant)s, %(rule)s, %(execution)s)",
        (-7, "e.queued_at"),
        10,
    ),
    "one that is handed back goes on before all that are pending": (
        "priority = 7, queued_at = now() - interval '1 minute'",
        "SELECT release_claim_v1(%(tenant)s, %(execution)s, 1, %(fence)s, 1, NULL)",
        (-11, "e.queued_at"),
        0,
    ),
    "one that is retried begins its wait anew": (
        "status = 'failed', lease_until = NULL, priority = 7, queued_at = now() - interval '1 minute'",
        (
            "SELECT FROM retry_execution_v1(%(tenant)s, %(execution)s, 'start', 'same',"
            " NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        ),
        (-7, "now()"),
        10,
    ),
    "one that waits and is due is swept with its place": (
        f"{PENDING}, due_at = now()",
        "SELECT FROM sweep_due_executions_v1(1000)",
        (-7, "e.queued_at"),
        10,
    ),
    "one whose lease is over is swept before all that are pending": (
        "due_at = now(), priority = 7, queued_at = now() - interval '1 minute'",
        "SELECT FROM sweep_due_executions_v1(1000)",
        (-11, "e.queued_at"),
        10,
    ),
    "one that the tenant's limit holds back is looked at after a minute": (
        PENDING,
        CLAIM.format(most=0),
        None,
        60,
    ),
    "so is one that its rule's limit holds back": (
        f"{PENDING}, fence = 0, automation_rule_id = %(full)s",
        CLAIM.format(most="NULL"),
        None,
        60,
    ),
}


@pytest.fixture
async def other(runner: Runner) -> AsyncIterator[Transaction]:
    async with somebody_else(runner) as transaction:
        yield transaction


async def limited(runner: Runner) -> UUID:
    """Return a rule that lets one run at a time."""
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.QUEUE)
    return rule.rule_id


async def held_back(runner: Runner) -> UUID:
    """Return an execution that the tenant's limit holds back."""
    execution = await runner.execute()
    runner.change(execution, "held_back = true")
    runner.take_jobs()
    return execution


async def claimed_of(runner: Runner, rule_id: UUID) -> Claim:
    return await runner.claimed(await executed(runner, rule_id))


async def executed(runner: Runner, rule_id: UUID) -> UUID:
    return await runner.execute(await runner.rules.get(runner.tenant, rule_id))


def woken(runner: Runner) -> list[str]:
    """Return the executions that have jobs."""
    return [job["execution_id"] for job in runner.jobs()]


@pytest.mark.parametrize("status", OVER)
async def test_one_that_has_ended_when_it_is_claimed_wakes_the_next_of_its_rule_and_of_its_tenant(
    runner: Runner, status: str
) -> None:
    rule = await limited(runner)
    claim = await claimed_of(runner, rule)
    following, later = await executed(runner, rule), await executed(runner, rule)
    held = await held_back(runner)
    runner.change(claim.execution_id, OVER[status])

    again = await runner.claim(claim.execution_id)

    assert again is None
    assert await runner.status(claim.execution_id) == status
    assert sorted(woken(runner)) == sorted([str(following), str(held)])
    assert await runner.status(later) is ExecutionStatus.PENDING


@pytest.mark.parametrize("why", STAYS)
async def test_one_that_does_not_begin_when_it_is_claimed_wakes_the_next_of_its_tenant(
    runner: Runner, why: str, other: Transaction
) -> None:
    rule = await limited(runner)
    claim = await claimed_of(runner, rule)
    held = await held_back(runner)
    runner.change(claim.execution_id, STAYS[why])
    if why == "paused":
        await other.execute(b"UPDATE automation_rules SET status = 'paused' WHERE rule_id = %s", (rule,))
        await other.commit()
    if why == "refused":
        older = await executed(runner, rule)
        runner.change(claim.execution_id, "queued_at = clock_timestamp()")
        await runner.claimed(older)
        runner.take_jobs()

    again = await runner.claim(claim.execution_id)

    assert again is None
    assert woken(runner) == [str(held)]
    assert not runner.row(held)["held_back"]


@pytest.mark.parametrize("name", JOBS)
async def test_what_is_woken_has_its_place_and_is_looked_at_in_time(
    runner: Runner, other: Transaction, name: str
) -> None:
    change, statement, place, seconds = JOBS[name]
    rule, full = await limited(runner), await limited(runner)
    claim = await claimed_of(runner, rule)
    await claimed_of(runner, full)
    runner.change(claim.execution_id, change.replace("%(full)s", f"'{full}'"))
    runner.take_jobs()
    names: dict[str, Any] = {
        "tenant": runner.tenant,
        "rule": rule,
        "execution": claim.execution_id,
        "fence": claim.fence,
    }

    await other.execute(b"SELECT set_config('app.tenant', %(tenant)s::text, true)", names)
    await other.execute(statement.encode(), names)

    asked = PLACE.format(since=place[1] if place else "now()").encode()
    jobs = await (await other.execute(asked, names)).fetchall()
    assert jobs == ([(place[0], 0)] if place else [])
    assert await (await other.execute(DUE, names)).fetchone() == (seconds,)


async def test_of_those_that_are_held_back_one_is_woken_the_first_that_goes_on_then_by_priority_then_by_age(
    runner: Runner, other: Transaction
) -> None:
    executions = [await runner.execute() for _ in range(4)]
    changes = (
        "queued_at = now() - interval '1 hour', priority = 0",
        "queued_at = now() - interval '1 minute', priority = 5",
        "queued_at = now() - interval '2 minutes', priority = 5",
        "queued_at = now(), priority = 0, status = 'running'",
    )
    for execution, change in zip(executions, changes, strict=True):
        runner.change(execution, f"held_back = true, {change}")
    runner.take_jobs()

    for _ in range(5):
        await other.execute(b"SELECT set_config('app.tenant', %s, true)", (str(runner.tenant),))
        await other.execute(b"SELECT wake_held_execution_v1(%s)", (runner.tenant,))
        await other.commit()

    assert woken(runner) == [str(executions[place]) for place in (3, 2, 1, 0)]


async def test_one_that_is_held_back_and_changed_by_somebody_is_left_out(runner: Runner, other: Transaction) -> None:
    first, second = await runner.execute(), await held_back(runner)
    runner.change(first, "held_back = true, priority = 5")
    await other.execute(b"SELECT FROM automation_executions WHERE execution_id = %s FOR UPDATE", (first,))

    await runner.runs.finish(await runner.claimed(), ExecutionStatus.COMPLETED)

    assert str(second) in woken(runner)
    assert runner.row(first)["held_back"]


async def test_one_that_newer_ones_replace_wakes_the_newest_where_its_own_claim_has_made_room(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.CANCEL_PREVIOUS)
    oldest, older, newest = [await runner.execute(rule) for _ in range(3)]
    await runner.claimed(oldest)
    runner.change(oldest, GONE)
    runner.take_jobs()

    claim = await runner.claim(older)

    assert claim is None
    assert [await runner.status(each) for each in (oldest, older, newest)] == ["cancelled", "cancelled", "pending"]
    assert woken(runner) == [str(newest)]


async def test_one_that_is_not_first_in_its_rules_queue_wakes_the_one_that_is(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.QUEUE)
    first, second = [await runner.execute(rule) for _ in range(2)]
    runner.take_jobs()

    claim = await runner.claim(second)

    assert claim is None
    assert woken(runner) == [str(first)]
