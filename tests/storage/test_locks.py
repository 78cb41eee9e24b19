"""Locks that keep two writers apart: a test holds the first one's row until the second waits for it."""

from dataclasses import replace

import psycopg
import pytest

from automation.domain.errors import ApiKeyOverLimit, PreconditionFailed, RuleDeleted
from automation.domain.executions import ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy, RuleStatus
from automation.storage.keys import KeyDirectory
from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner
from tests.storage.samples import a_content, only


async def test_the_last_use_of_a_key_is_given_once(runner: Runner, keys: KeyDirectory) -> None:
    digest = runner.sample.add_key(usage_limit=1)
    async with somebody_else(runner) as other:
        await other.execute("UPDATE api_keys SET usage_count = 1 WHERE digest = %s", (digest,))
        use = await waiting(runner, other, keys.resolve(digest, None, count=True))
        await other.commit()

    with pytest.raises(ApiKeyOverLimit):
        await use
    assert [key.usage_count for key in runner.sample.administration.list_keys(runner.tenant)] == [1]


async def test_of_two_claims_under_a_limit_the_second_sees_what_the_first_has_taken(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.QUEUE)
    first, second = await runner.execute(rule), await runner.execute(rule)
    async with await psycopg.AsyncConnection.connect(runner.urls.worker) as other:
        await other.execute("SELECT FROM claim_execution_v1(%s, %s, 1, 15.0, NULL, NULL, NULL)", (runner.tenant, first))
        claim = await waiting(runner, other, runner.claim(second))
        await other.commit()

    assert await claim is None
    assert (await runner.status(first), await runner.status(second)) == ("running", "pending")


async def test_a_claim_waits_for_whoever_lifts_the_limit_and_begins(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.SKIP)
    first, second = await runner.execute(rule), await runner.execute(rule)
    await runner.claimed(first)
    async with somebody_else(runner) as other:
        await other.execute(
            "UPDATE automation_rules SET max_concurrent_executions = NULL WHERE rule_id = %s", (rule.rule_id,)
        )
        claim = await waiting(runner, other, runner.claim(second))
        await other.commit()

    assert await claim is not None


async def test_a_claim_under_a_limit_waits_for_an_end_and_takes_the_room(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.QUEUE)
    first, second = await runner.execute(rule), await runner.execute(rule)
    held = await runner.claimed(first)
    async with await psycopg.AsyncConnection.connect(runner.urls.worker) as other:
        await other.execute(
            "SELECT finish_run_v1(p_tenant => %s, p_execution => %s, p_attempt => 1, p_fence => %s,"
            " p_status => 'completed', p_error_message => NULL, p_error_stack => NULL, p_failed_action => NULL,"
            " p_keep_call_key => false, p_first => 1, p_logs => NULL, p_last => NULL)",
            (runner.tenant, first, held.fence),
        )
        claim = await waiting(runner, other, runner.claim(second))
        await other.commit()

    assert await claim is not None


async def test_of_two_claims_of_one_execution_the_second_finds_it_taken(runner: Runner) -> None:
    execution = await runner.execute()
    async with await psycopg.AsyncConnection.connect(runner.urls.worker) as other:
        await other.execute(
            "SELECT FROM claim_execution_v1(%s, %s, 1, 15.0, NULL, NULL, NULL)", (runner.tenant, execution)
        )
        claim = await waiting(runner, other, runner.claim(execution))
        await other.commit()

    assert await claim is None
    assert runner.row(execution)["fence"] == 1


async def test_of_two_changes_of_a_version_the_second_is_refused(runner: Runner) -> None:
    rule = await runner.rule()
    change = runner.rules.update(
        runner.tenant, runner.sample.user, rule.rule_id, a_content(name="Second"), accept=only(1)
    )
    async with somebody_else(runner) as other:
        await other.execute("UPDATE automation_rules SET version = 2 WHERE rule_id = %s", (rule.rule_id,))
        task = await waiting(runner, other, change)
        await other.commit()

    with pytest.raises(PreconditionFailed):
        await task
    assert (await runner.rules.get(runner.tenant, rule.rule_id)).content.name != "Second"


async def test_a_rule_that_is_resumed_locks_its_executions_in_the_order_of_bulk_changes(runner: Runner) -> None:
    rule = await runner.rule(status=RuleStatus.PAUSED)
    low, high = sorted([await runner.execute(rule) for _ in range(2)])
    resumed = runner.rules.update(
        runner.tenant, runner.sample.user, rule.rule_id, replace(rule.content, status=RuleStatus.ACTIVE), accept=only(1)
    )
    async with somebody_else(runner) as other:
        # in the table and by its time the low one comes last
        await other.execute(
            "UPDATE automation_executions SET queued_at = now() + interval '1 hour' WHERE execution_id = %s",
            (low,),
        )
        await other.commit()
        await other.execute("SELECT FROM automation_executions WHERE execution_id = %s FOR UPDATE", (low,))
        task = await waiting(runner, other, resumed)
        await other.execute("SELECT FROM automation_executions WHERE execution_id = %s FOR UPDATE NOWAIT", (high,))
        await other.commit()
    await task

    for each in (low, high):
        row = runner.row(each)
        assert row["due_at"] == row["queued_at"]


async def test_an_execution_waits_for_a_deletion_and_is_refused(runner: Runner) -> None:
    rule = await runner.rule()
    creation = runner.executions.create(
        runner.tenant, runner.sample.user, rule.rule_id, trigger_data=None, override_conditions=False
    )
    async with somebody_else(runner) as other:
        await other.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR UPDATE", (rule.rule_id,))
        task = await waiting(runner, other, creation)
        await other.execute("UPDATE automation_rules SET deleted_at = now() WHERE rule_id = %s", (rule.rule_id,))
        await other.commit()

    with pytest.raises(RuleDeleted):
        await task
    assert runner.jobs() == []


async def test_of_a_cancel_and_an_end_the_second_finds_the_execution_ended(runner: Runner) -> None:
    execution = await runner.execute()
    async with await psycopg.AsyncConnection.connect(runner.urls.api) as other:
        await other.execute("SELECT FROM cancel_execution_v1(%s, %s, 'Cancelled.')", (runner.tenant, execution))
        claim = await waiting(runner, other, runner.claim(execution))
        await other.commit()

    assert await claim is None
    assert await runner.status(execution) is ExecutionStatus.CANCELLED
