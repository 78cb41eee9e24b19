"""A paused rule accepts and starts nothing: what waits for it starts once it is resumed, the oldest first."""

from dataclasses import replace

import psycopg
import pytest

from automation.domain.errors import RuleInUse, RuleNotActive
from automation.domain.executions import ExecutionStatus
from automation.domain.limits import Limit
from automation.domain.rules import ConcurrencyPolicy, Rule, RuleStatus
from automation.storage.due import Due
from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner


async def with_status(runner: Runner, rule: Rule, status: RuleStatus) -> Rule:
    """Give a rule a status, as its next version."""
    content = replace(rule.content, status=status)
    return await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, content)


async def paused(runner: Runner, **content: object) -> Rule:
    """Create a paused rule."""
    return await runner.rule(status=RuleStatus.PAUSED, **content)


def jobs(runner: Runner) -> list[str]:
    """Return the executions that jobs speak of, oldest job first."""
    return [job["execution_id"] for job in runner.jobs()]


async def test_what_triggers_a_paused_rule_is_stored_and_nobody_is_told(runner: Runner, due: Due) -> None:
    execution = await runner.execute(await paused(runner))

    swept = await due.sweep(10)

    assert await runner.status(execution) is ExecutionStatus.PENDING
    assert (swept, jobs(runner), runner.row(execution)["due_at"]) == ([], [], None)


async def test_what_was_queued_when_a_rule_is_paused_is_left_and_looked_at_no_more(runner: Runner, due: Due) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule)
    await with_status(runner, rule, RuleStatus.PAUSED)
    runner.take_jobs()

    claim = await runner.claim(execution)

    assert claim is None
    assert await runner.status(execution) is ExecutionStatus.PENDING
    assert (await due.sweep(10), jobs(runner), runner.row(execution)["due_at"]) == ([], [], None)


async def test_what_runs_when_a_rule_is_paused_goes_on(runner: Runner) -> None:
    rule = await runner.rule()
    taken_over, ended = await runner.execute(rule), await runner.claimed(await runner.execute(rule))
    await runner.claimed(taken_over)

    await with_status(runner, rule, RuleStatus.PAUSED)
    runner.expire(taken_over)

    assert await runner.claim(taken_over) is not None
    assert await runner.runs.finish(ended, ExecutionStatus.COMPLETED) is ExecutionStatus.COMPLETED


async def test_a_resumed_rule_starts_what_waits_the_oldest_first(runner: Runner, due: Due) -> None:
    rule = await paused(runner)
    executions = [await runner.execute(rule, number=number) for number in range(5)]
    await with_status(runner, rule, RuleStatus.ACTIVE)

    batches = [[each.execution_id for each in await due.sweep(2)] for _ in range(4)]

    assert [sorted(batch) for batch in batches] == [
        sorted(executions[:2]),
        sorted(executions[2:4]),
        executions[4:],
        [],
    ]
    assert await runner.claim(executions[0]) is not None


@pytest.mark.parametrize("status", [RuleStatus.INACTIVE, RuleStatus.DRAFT])
async def test_what_was_accepted_is_run_though_its_rule_accepts_nothing_any_more(
    runner: Runner, due: Due, status: RuleStatus
) -> None:
    rule = await runner.rule()
    queued = await runner.execute(rule)
    held = await runner.execute(await with_status(runner, rule, RuleStatus.PAUSED))
    await with_status(runner, rule, status)

    swept = {each.execution_id for each in await due.sweep(10)}

    assert swept == {queued, held}
    assert await runner.claim(queued) is not None
    assert await runner.claim(held) is not None
    with pytest.raises(RuleNotActive):
        await runner.execute(rule)


async def test_a_retry_waits_until_its_rule_is_resumed(runner: Runner, due: Due) -> None:
    rule = await runner.rule()
    execution = await runner.failed(execution=await runner.execute(rule))
    await with_status(runner, rule, RuleStatus.PAUSED)
    runner.take_jobs()

    await runner.executions.retry(runner.tenant, execution, retry_from="start")
    while_paused = (await due.sweep(10), jobs(runner), await runner.claim(execution, attempt=2))
    await with_status(runner, rule, RuleStatus.ACTIVE)
    afterwards = [each.execution_id for each in await due.sweep(10)]

    assert while_paused == ([], [], None)
    assert afterwards == [execution]
    assert await runner.claim(execution, attempt=2) is not None


async def test_what_waits_for_a_paused_rule_can_be_cancelled_and_keeps_the_rule_from_being_deleted(
    runner: Runner,
) -> None:
    rule = await paused(runner)
    execution = await runner.execute(rule)

    with pytest.raises(RuleInUse):
        await runner.rules.delete(runner.tenant, rule.rule_id)
    _, done = await runner.executions.cancel(runner.tenant, execution)
    await runner.rules.delete(runner.tenant, rule.rule_id)

    assert done
    assert await runner.status(execution) is ExecutionStatus.CANCELLED


async def test_an_end_under_a_limit_wakes_nothing_of_a_paused_rule(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.QUEUE)
    running = await runner.claimed(await runner.execute(rule))
    await runner.execute(rule)
    await with_status(runner, rule, RuleStatus.PAUSED)
    runner.take_jobs()

    await runner.runs.finish(running, ExecutionStatus.COMPLETED)

    assert jobs(runner) == []


async def test_what_a_limit_of_the_tenant_holds_back_gives_its_turn_away_when_its_rule_is_paused(
    runner: Runner,
) -> None:
    runner.sample.administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 1})
    rule = await runner.rule()
    running = await runner.claimed()
    held, other = await runner.execute(rule), await runner.execute()
    assert (await runner.claim(held), await runner.claim(other)) == (None, None)
    await with_status(runner, rule, RuleStatus.PAUSED)
    runner.take_jobs()

    await runner.runs.finish(running, ExecutionStatus.COMPLETED)
    woken = jobs(runner)
    await runner.claim(held)

    assert woken == [str(held)]
    assert jobs(runner) == [str(held), str(other)]


async def test_a_claim_waits_for_whoever_pauses_the_rule_and_begins_nothing(runner: Runner) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule)
    async with somebody_else(runner) as other:
        await other.execute("UPDATE automation_rules SET status = 'paused' WHERE rule_id = %s", (rule.rule_id,))
        claim = await waiting(runner, other, runner.claim(execution))
        await other.commit()

    assert await claim is None
    assert await runner.status(execution) is ExecutionStatus.PENDING


async def test_whoever_pauses_a_rule_waits_for_a_claim_that_has_begun(runner: Runner) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule)
    async with await psycopg.AsyncConnection.connect(runner.urls.worker) as other:
        await other.execute(
            "SELECT FROM claim_execution_v1(%s, %s, 1, 15.0, NULL, NULL, NULL)", (runner.tenant, execution)
        )
        pause = await waiting(runner, other, with_status(runner, rule, RuleStatus.PAUSED))
        await other.commit()

    assert (await pause).content.status is RuleStatus.PAUSED
    assert await runner.status(execution) is ExecutionStatus.RUNNING


async def resumed(runner: Runner, other: "psycopg.AsyncConnection[tuple[object, ...]]", rule: Rule) -> None:
    """Resume a rule in a transaction that goes on."""
    await other.execute("UPDATE automation_rules SET status = 'active' WHERE rule_id = %s", (rule.rule_id,))
    pending = "UPDATE automation_executions SET due_at = now() WHERE automation_rule_id = %s AND status = 'pending'"
    await other.execute(pending, (rule.rule_id,))


async def test_an_execution_that_is_created_while_its_rule_is_resumed_is_not_forgotten(runner: Runner) -> None:
    rule = await paused(runner)
    async with somebody_else(runner) as other:
        await resumed(runner, other, rule)
        creation = await waiting(runner, other, runner.execute(rule))
        await other.commit()

    created = await creation
    assert jobs(runner) == [str(created)]


async def test_a_retry_while_its_rule_is_resumed_is_not_forgotten(runner: Runner) -> None:
    rule = await runner.rule()
    execution = await runner.failed(execution=await runner.execute(rule))
    await with_status(runner, rule, RuleStatus.PAUSED)
    runner.take_jobs()
    async with somebody_else(runner) as other:
        await resumed(runner, other, rule)
        retry = await waiting(
            runner, other, runner.executions.retry(runner.tenant, execution, retry_from="failed_action")
        )
        await other.commit()

    await retry
    assert jobs(runner) == [str(execution)]


async def test_a_claim_while_the_rule_is_resumed_begins(runner: Runner) -> None:
    rule = await paused(runner)
    execution = await runner.execute(rule)
    async with somebody_else(runner) as other:
        await other.execute("UPDATE automation_rules SET status = 'active' WHERE rule_id = %s", (rule.rule_id,))
        claim = await waiting(runner, other, runner.claim(execution))
        await other.commit()

    assert await claim is not None
