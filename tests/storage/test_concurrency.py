"""A rule's limit holds whoever claims at once, and its policy decides about the others."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy, Rule
from automation.storage.runs import Claim
from tests.storage.runner import Runner
from tests.storage.samples import a_content


async def executed(runner: Runner, count: int, policy: ConcurrencyPolicy, *, limit: int | None = 1) -> list[UUID]:
    rule = await runner.rule(max_concurrent_executions=limit, concurrency_policy=policy)
    return [await runner.execute(rule, number=number) for number in range(count)]


async def statuses(runner: Runner, executions: list[UUID]) -> list[str]:
    return [await runner.status(execution) for execution in executions]


async def finished(runner: Runner, claim: Claim) -> None:
    assert await runner.runs.finish(claim, ExecutionStatus.COMPLETED)


async def test_of_50_claims_at_once_no_more_than_the_limit_succeed(runner: Runner) -> None:
    executions = await executed(runner, 50, ConcurrencyPolicy.QUEUE, limit=3)

    claims = await asyncio.gather(*(runner.claim(execution) for execution in executions))

    assert [claim.execution_id for claim in claims if claim] == executions[:3]
    assert sorted(await statuses(runner, executions)) == ["pending"] * 47 + ["running"] * 3


async def test_a_rule_without_a_limit_runs_all(runner: Runner) -> None:
    executions = await executed(runner, 20, ConcurrencyPolicy.SKIP, limit=None)

    claims = await asyncio.gather(*(runner.claim(execution) for execution in executions))

    assert all(claims)


async def test_a_queue_goes_on_with_the_oldest_when_a_run_ends(runner: Runner) -> None:
    first, second, third = await executed(runner, 3, ConcurrencyPolicy.QUEUE)
    claim = await runner.claimed(first)
    assert await runner.claim(third) is None
    assert await runner.claim(second) is None
    runner.take_jobs()

    await finished(runner, claim)
    jobs = [job["execution_id"] for job in runner.jobs()]
    overtaking = await runner.claim(third)
    next_claim = await runner.claim(second)

    assert jobs == [str(second)]
    assert overtaking is None
    assert next_claim is not None


async def test_a_chain_of_ends_runs_the_whole_queue_by_its_jobs_alone(runner: Runner) -> None:
    executions = await executed(runner, 6, ConcurrencyPolicy.QUEUE, limit=2)
    order: list[UUID] = []

    while jobs := runner.jobs():
        runner.take_jobs()
        claims = [claim for job in jobs if (claim := await runner.claim(UUID(job["execution_id"])))]
        order += [claim.execution_id for claim in claims]
        for claim in claims:
            await finished(runner, claim)

    assert order == executions
    assert set(await statuses(runner, executions)) == {"completed"}


async def test_a_waiting_execution_counts_as_running(runner: Runner) -> None:
    first, second = await executed(runner, 2, ConcurrencyPolicy.QUEUE)
    claim = await runner.claimed(first)
    await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(hours=1))

    assert await runner.claim(second) is None


async def test_a_takeover_asks_for_no_room(runner: Runner) -> None:
    first, _ = await executed(runner, 2, ConcurrencyPolicy.QUEUE)
    await runner.claimed(first)
    runner.expire(first)

    assert await runner.claim(first) is not None


async def test_a_queue_goes_on_when_one_is_cancelled_or_times_out(runner: Runner) -> None:
    first, second, third = await executed(runner, 3, ConcurrencyPolicy.QUEUE)
    claim = await runner.claimed(first)
    await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(hours=1))

    runner.take_jobs()
    await runner.executions.cancel(runner.tenant, first)
    after_cancellation = [job["execution_id"] for job in runner.jobs()]
    await runner.claimed(second)
    runner.expire(second)
    runner.change(second, "deadline_at = now() - interval '1 second'")
    runner.take_jobs()
    await runner.claim(second)
    after_timeout = [job["execution_id"] for job in runner.jobs()]

    assert after_cancellation == [str(second)]
    assert after_timeout == [str(third)]


async def test_skip_ends_what_finds_no_room_and_says_why(runner: Runner) -> None:
    first, second = await executed(runner, 2, ConcurrencyPolicy.SKIP)
    await runner.claimed(first)

    skipped = await runner.claim(second)
    document = await runner.document(second)

    assert skipped is None
    assert document["status"] == "skipped"
    assert "limit of 1" in document["logs"][0]["message"]
    assert (document["duration_ms"], document["error_message"]) == (None, None)
    assert "started_at" not in document
    assert document["completed_at"]


async def test_skip_lets_a_retry_wait_and_runs_it_when_there_is_room(runner: Runner) -> None:
    failed, other = await executed(runner, 2, ConcurrencyPolicy.SKIP)
    assert await runner.runs.finish(await runner.claimed(failed), ExecutionStatus.FAILED)
    running = await runner.claimed(other)
    await runner.executions.retry(runner.tenant, failed, retry_from="start")
    runner.take_jobs()

    refused = await runner.claim(failed, attempt=2)
    waiting = await runner.status(failed)
    await finished(runner, running)
    jobs = [job["execution_id"] for job in runner.jobs()]
    admitted = await runner.claim(failed, attempt=2)

    assert (refused, waiting, jobs) == (None, "pending", [str(failed)])
    assert admitted is not None


async def test_of_50_claims_at_once_skip_skips_all_but_the_limit(runner: Runner) -> None:
    executions = await executed(runner, 50, ConcurrencyPolicy.SKIP, limit=3)

    await asyncio.gather(*(runner.claim(execution) for execution in executions))

    assert sorted(await statuses(runner, executions)) == ["running"] * 3 + ["skipped"] * 47


async def test_cancel_previous_asks_the_running_one_to_stop_and_then_takes_its_place(runner: Runner) -> None:
    first, second = await executed(runner, 2, ConcurrencyPolicy.CANCEL_PREVIOUS)
    claim = await runner.claimed(first)

    early = await runner.claim(second)
    renewal = await runner.runs.renew(claim, lease=15)
    runner.take_jobs()
    await runner.runs.finish(claim, ExecutionStatus.CANCELLED)
    jobs = [job["execution_id"] for job in runner.jobs()]

    assert early is None
    assert renewal is not None
    assert renewal.cancel_requested
    assert "newer" in (await runner.document(first))["logs"][-1]["message"]
    assert jobs == [str(second)]
    assert await runner.claim(second) is not None


async def test_cancel_previous_ends_at_once_what_nobody_holds(runner: Runner) -> None:
    waiting, pending, newest = await executed(runner, 3, ConcurrencyPolicy.CANCEL_PREVIOUS)
    claim = await runner.claimed(waiting)
    await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(hours=1))

    claimed = await runner.claim(newest)

    assert claimed is not None
    assert await statuses(runner, [waiting, pending, newest]) == ["cancelled", "cancelled", "running"]


async def test_cancel_previous_leaves_as_many_as_there_is_room_for(runner: Runner) -> None:
    first, second, third = await executed(runner, 3, ConcurrencyPolicy.CANCEL_PREVIOUS, limit=2)
    for execution in (first, second):
        claim = await runner.claimed(execution)
        await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(hours=1))

    await runner.claimed(third)

    assert await statuses(runner, [first, second, third]) == ["cancelled", "running", "running"]


@pytest.mark.parametrize("seed", range(12))
async def test_of_six_at_two_places_the_two_newest_stay_in_whatever_order_they_come(runner: Runner, seed: int) -> None:
    executions = await executed(runner, 6, ConcurrencyPolicy.CANCEL_PREVIOUS, limit=2)
    coming = random.Random(seed).sample(executions, 6)  # noqa: S311 - a shuffle that can be repeated
    claims: list[Claim] = []

    while coming:
        claims += [claim for execution in coming if (claim := await runner.claim(execution))]
        for claim in claims:
            renewal = await runner.runs.renew(claim, lease=15)
            if renewal is not None and renewal.cancel_requested:
                await runner.runs.finish(claim, ExecutionStatus.COMPLETED)
        coming = [each for each in executions if await runner.status(each) is ExecutionStatus.PENDING]

    assert await statuses(runner, executions) == ["cancelled"] * 4 + ["running"] * 2


async def test_cancel_previous_never_cancels_a_newer_one(runner: Runner) -> None:
    older, newer = await executed(runner, 2, ConcurrencyPolicy.CANCEL_PREVIOUS)
    claim = await runner.claimed(newer)

    late = await runner.claim(older)
    renewal = await runner.runs.renew(claim, lease=15)

    assert late is None
    assert renewal is not None
    assert not renewal.cancel_requested
    assert await statuses(runner, [older, newer]) == ["cancelled", "running"]


async def test_50_claims_and_ends_at_once_lose_none_and_never_pass_the_limit(runner: Runner) -> None:
    executions = await executed(runner, 50, ConcurrencyPolicy.QUEUE, limit=3)
    running: set[UUID] = set()
    most = 0

    async def work() -> None:
        nonlocal most
        while waiting := [execution for execution in executions if execution not in done]:
            claim = await runner.claim(waiting[0] if waiting[0] not in running else waiting[-1])
            if claim is None:
                await asyncio.sleep(0.01)
                continue
            running.add(claim.execution_id)
            most = max(most, len(running))
            await asyncio.sleep(0.005)
            running.discard(claim.execution_id)
            done.add(claim.execution_id)
            await finished(runner, claim)

    done: set[UUID] = set()
    async with asyncio.timeout(30):
        await asyncio.gather(*(work() for _ in range(8)))

    assert most <= 3
    assert set(await statuses(runner, executions)) == {"completed"}


async def test_the_limit_is_the_rules_present_one(runner: Runner) -> None:
    first, second = await executed(runner, 2, ConcurrencyPolicy.QUEUE)
    rule = await rule_of(runner, first)
    await runner.claimed(first)
    before = await runner.claim(second)

    content = a_content(max_concurrent_executions=2)
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, content)
    after = await runner.claim(second)

    assert before is None
    assert after is not None
    assert after.rule.version == 1


async def rule_of(runner: Runner, execution: UUID) -> Rule:
    rule_id = runner.row(execution)["automation_rule_id"]
    return await runner.rules.get(runner.tenant, rule_id)
