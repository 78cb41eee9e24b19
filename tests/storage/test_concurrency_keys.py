"""Executions with a concurrency key: a rule's limit holds for those of each key by themselves."""

import asyncio
from uuid import UUID

import psycopg

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy, Rule
from tests.storage.keyed import keyed
from tests.storage.locks import waiting
from tests.storage.runner import Runner


async def a_rule(runner: Runner, policy: ConcurrencyPolicy = ConcurrencyPolicy.QUEUE, limit: int = 1) -> Rule:
    return await runner.rule(
        concurrency_key="${trigger.customer}", max_concurrent_executions=limit, concurrency_policy=policy
    )


async def of_keys(runner: Runner, rule: Rule, keys: str) -> list[UUID]:
    """Trigger a rule once for each letter, its key; a hyphen is none."""
    return [
        (await (keyed(runner, rule) if key == "-" else keyed(runner, rule, concurrency_key=key))).execution_id
        for key in keys
    ]


async def test_executions_of_different_keys_do_not_limit_each_other(runner: Runner) -> None:
    a, b, again, none, other = await of_keys(runner, await a_rule(runner), "aba--")

    claims = [await runner.claim(execution) for execution in (a, b, again, none, other)]

    assert [claim is not None for claim in claims] == [True, True, False, True, False]


async def test_of_many_claims_at_once_no_more_than_the_limit_of_each_key_succeed(runner: Runner) -> None:
    executions = await of_keys(runner, await a_rule(runner, limit=2), "abc" * 8)

    claims = await asyncio.gather(*(runner.claim(execution) for execution in executions))

    assert [claim.execution_id for claim in claims if claim] == executions[:6]


async def test_an_end_wakes_the_oldest_of_its_own_key(runner: Runner) -> None:
    a, waiting_b, b, waiting_a = await of_keys(runner, await a_rule(runner), "abba")
    claims = {execution: await runner.claimed(execution) for execution in (a, waiting_b)}
    assert (await runner.claim(b), await runner.claim(waiting_a)) == (None, None)
    runner.take_jobs()

    await runner.runs.finish(claims[a], ExecutionStatus.COMPLETED)

    assert [job["execution_id"] for job in runner.jobs()] == [str(waiting_a)]


async def test_what_is_skipped_or_cancelled_for_another_has_its_key(runner: Runner) -> None:
    skipping = await of_keys(runner, await a_rule(runner, ConcurrencyPolicy.SKIP), "aba")
    cancelling = await of_keys(runner, await a_rule(runner, ConcurrencyPolicy.CANCEL_PREVIOUS), "aba")
    for execution in (*skipping, *cancelling):
        await runner.claim(execution)

    assert [await runner.status(execution) for execution in skipping] == ["running", "running", "skipped"]
    requested = [runner.row(execution)["cancel_requested_at"] is not None for execution in cancelling]
    assert requested == [True, False, False]


async def test_a_claim_of_a_key_waits_for_another_and_sees_what_it_has_taken(runner: Runner) -> None:
    first, second = await of_keys(runner, await a_rule(runner), "aa")
    async with await psycopg.AsyncConnection.connect(runner.urls.worker) as other:
        await other.execute("SELECT FROM claim_execution_v1(%s, %s, 1, 15.0, NULL, NULL, NULL)", (runner.tenant, first))
        claim = await waiting(runner, other, runner.claim(second))
        await other.commit()

    assert await claim is None
    assert (await runner.status(first), await runner.status(second)) == ("running", "pending")
