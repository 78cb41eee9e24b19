"""Executions that a tenant's limit holds back: whoever is woken and doesn't begin wakes the next."""

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.limits import Limit
from automation.domain.rules import ConcurrencyPolicy
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
