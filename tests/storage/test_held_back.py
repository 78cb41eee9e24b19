"""Executions that a tenant's limit holds back: whoever is woken and doesn't begin wakes the next."""

import asyncio
from datetime import UTC, datetime

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.limits import Limit
from automation.domain.rules import ConcurrencyPolicy
from automation.storage.due import Due
from tests.storage.locks import somebody_else
from tests.storage.runner import Runner


def woken(runner: Runner) -> list[str]:
    """Return the executions that have jobs, in the order in which these were written."""
    return [job["execution_id"] for job in runner.jobs()]


@pytest.mark.parametrize("policy", [ConcurrencyPolicy.QUEUE, ConcurrencyPolicy.SKIP])
async def test_one_that_its_rules_limit_refuses_wakes_the_next(runner: Runner, policy: ConcurrencyPolicy) -> None:
    runner.sample.administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 2})
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=policy)
    await runner.claimed(await runner.execute(rule))
    ends = await runner.claimed()
    held, other = await runner.execute(rule), await runner.execute()
    assert (await runner.claim(held), await runner.claim(other)) == (None, None)
    runner.take_jobs()

    await runner.runs.finish(ends, ExecutionStatus.COMPLETED)
    first = woken(runner)
    refused = await runner.claim(held)

    assert (first, refused) == ([str(held)], None)
    assert woken(runner) == [str(held), str(other)]
    assert await runner.claim(other) is not None


async def test_one_that_was_cancelled_when_it_was_woken_wakes_the_next(runner: Runner) -> None:
    runner.sample.administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 1})
    ends = await runner.claimed()
    held, other = await runner.execute(), await runner.execute()
    assert (await runner.claim(held), await runner.claim(other)) == (None, None)
    runner.take_jobs()

    await runner.runs.finish(ends, ExecutionStatus.COMPLETED)
    await runner.executions.cancel(runner.tenant, held)
    refused = await runner.claim(held)

    assert refused is None
    assert woken(runner) == [str(other)]


async def test_one_whose_worker_has_ended_frees_its_place_when_it_is_cancelled(runner: Runner) -> None:
    runner.sample.administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 1})
    lost = await runner.execute()
    await runner.claimed(lost, lease=0.0)
    held = await runner.execute()
    assert await runner.claim(held) is None
    runner.take_jobs()

    await runner.executions.cancel(runner.tenant, lost)

    assert woken(runner) == [str(held)]
    assert await runner.claim(held) is not None


def is_over(moment: datetime) -> bool:
    return moment <= datetime.now(UTC)


@pytest.mark.parametrize("most", [3, None])
async def test_a_limit_that_is_raised_or_taken_away_wakes_what_it_held_back(
    runner: Runner, due: Due, most: int | None
) -> None:
    administration = runner.sample.administration
    administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 1})
    await runner.claimed()
    held = {await runner.execute() for _ in range(2)}
    assert [await runner.claim(one) for one in held] == [None, None]
    runner.take_jobs()
    administration.set_limits(runner.tenant, {Limit.MAX_PENDING: 100})
    assert await due.sweep(10) == []

    administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: most})
    swept = await due.sweep(10)

    assert {one.execution_id for one in swept} == held
    assert [await runner.claim(one) is None for one in held] == [False, False]


@pytest.mark.parametrize(("lock", "is_due"), [("FOR KEY SHARE", True), ("FOR NO KEY UPDATE", False)])
async def test_a_limit_that_is_raised_waits_for_nobody_and_passes_over_only_what_somebody_changes(
    runner: Runner, lock: str, is_due: bool
) -> None:
    administration = runner.sample.administration
    administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 1})
    held = await runner.execute()
    runner.change(held, "held_back = true, due_at = now() + interval '1 minute'")

    async with somebody_else(runner) as other, asyncio.timeout(10):
        await other.execute(f"SELECT FROM automation_executions WHERE execution_id = %s {lock}".encode(), (held,))
        await asyncio.to_thread(administration.set_limits, runner.tenant, {Limit.MAX_RUNNING: 2})

    assert is_over(runner.row(held)["due_at"]) == is_due
