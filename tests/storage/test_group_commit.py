"""Writes of several runs at a time are stored together, each under its own claim, and none is another's trouble."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy
from automation.storage.pool.database import Database
from automation.storage.runs import ActionDone, CallBegins, Outcome, Runs, Turn
from tests.databases import DatabaseUrls
from tests.storage.claimed_writes import WRITES
from tests.storage.locks import somebody_else
from tests.storage.round_trips import Proxy, counting_proxy
from tests.storage.runner import LEASE, Runner

LOCK = "SELECT FROM automation_executions WHERE execution_id = %s FOR UPDATE"
THEIR_OWN = frozenset(
    {"execution_id", "automation_rule_id", "call_key", "revision", "sequence", "trigger_data", "queued_at", "priority"}
)


@pytest.fixture
async def proxy(database_urls: DatabaseUrls) -> AsyncIterator[Proxy]:
    async with counting_proxy(database_urls.worker) as made:
        yield made


@pytest.fixture
async def runs(proxy: Proxy) -> AsyncIterator[Runs]:
    database = Database(
        proxy.url, pool_min=1, pool_max=4, pool_timeout=4.0, query_timeout=4.0, application_name="together"
    )
    await database.open()
    yield Runs(database)
    await database.close()


def a_call() -> CallBegins:
    return CallBegins(lease=LEASE, tries=1, call_key=uuid4())


async def test_writes_of_several_runs_are_one_statement(runner: Runner, runs: Runs, proxy: Proxy) -> None:
    claims = [await runner.claimed() for _ in range(5)]
    await asyncio.gather(*(runs.write(claim, a_call()) for claim in claims))  # which prepares the statement
    before = proxy.round_trips

    answers = await asyncio.gather(*(runs.write(claim, a_call()) for claim in claims))

    assert answers == [Outcome.STORED] * 5
    assert proxy.round_trips == before + 1


async def test_a_write_with_nothing_beside_it_is_a_statement_of_its_own(
    runner: Runner, runs: Runs, proxy: Proxy
) -> None:
    claim = await runner.claimed()
    await runs.write(claim, a_call())
    before = proxy.round_trips

    await runs.write(claim, a_call())

    assert proxy.round_trips == before + 1


@pytest.mark.parametrize("name", sorted(WRITES.keys() - {"renew", "log", "release", "wait"}))
async def test_each_kind_of_write_does_together_what_it_does_alone(runner: Runner, runs: Runs, name: str) -> None:
    alone, *together = [await runner.claimed() for _ in range(3)]
    expected = await WRITES[name](runs, alone)

    answers = await asyncio.gather(*(WRITES[name](runs, claim) for claim in together))

    assert answers == [expected, expected]
    rows = [_comparable(runner.row(claim.execution_id)) for claim in (alone, *together)]
    assert rows[1:] == [rows[0]] * 2


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Return what two executions have in common that came to the same."""
    return {
        name: value
        for name, value in row.items()
        if name not in THEIR_OWN and not name.endswith(("_at", "_until", "_ms", "_bytes"))
    }


async def test_a_row_that_somebody_holds_holds_up_no_other_run(runner: Runner, runs: Runs) -> None:
    held, *free = [await runner.claimed() for _ in range(4)]
    async with somebody_else(runner) as other:
        await other.execute(LOCK, (held.execution_id,))
        waiting = asyncio.create_task(runs.write(held, a_call()))
        answers = await asyncio.gather(*(runs.write(claim, a_call()) for claim in free))
        early = waiting.done()
        await other.commit()

    assert answers == [Outcome.STORED] * 3
    assert not early
    assert await waiting is Outcome.STORED


async def test_a_write_that_fails_is_nobody_elses_fault(runner: Runner, runs: Runs) -> None:
    faulty, *others = [await runner.claimed() for _ in range(3)]
    wrong = replace(a_call(), tries=cast("int", "many"))

    failed, *answers = await asyncio.gather(
        runs.write(faulty, wrong), *(runs.write(claim, a_call()) for claim in others), return_exceptions=True
    )

    assert isinstance(failed, psycopg.DataError)
    assert answers == [Outcome.STORED] * 2
    assert runner.row(faulty.execution_id)["tries"] == 0


async def test_a_claim_that_is_lost_is_nobody_elses_fault(runner: Runner, runs: Runs) -> None:
    lost, *others = [await runner.claimed() for _ in range(3)]
    runner.change(lost.execution_id, "fence = fence + 1")
    done = ActionDone(index=0, result={"n": 1}, failed=False)

    answers = await asyncio.gather(*(runs.write(claim, done) for claim in (lost, *others)))

    assert answers == [None, Outcome.STORED, Outcome.STORED]
    assert [runner.row(claim.execution_id)["next_action"] for claim in (lost, *others)] == [0, 1, 1]


async def test_what_is_answered_is_kept_where_the_answers_are_lost(runner: Runner, runs: Runs, proxy: Proxy) -> None:
    claims = [await runner.claimed() for _ in range(3)]
    proxy.answers_to_lose = 1

    answers = await asyncio.gather(*(runs.finish(claim, ExecutionStatus.COMPLETED) for claim in claims))

    assert answers == [ExecutionStatus.COMPLETED] * 3
    assert [runner.row(claim.execution_id)["status"] for claim in claims] == ["completed"] * 3


async def test_turns_that_are_taken_together_are_one_statement(runner: Runner, runs: Runs, proxy: Proxy) -> None:
    first, second = [[Turn(runner.tenant, await runner.execute(), 1) for _ in range(4)] for _ in range(2)]
    runner.take_jobs()
    await asyncio.gather(*(runs.claim(turn, lease=LEASE) for turn in first))
    before = proxy.round_trips

    claims = await asyncio.gather(*(runs.claim(turn, lease=LEASE) for turn in second))

    assert [claim and claim.execution_id for claim in claims] == [turn.execution for turn in second]
    assert proxy.round_trips == before + 1


async def test_turns_that_are_taken_together_keep_a_rules_limit(runner: Runner, runs: Runs) -> None:
    rule = await runner.rule(max_concurrent_executions=2, concurrency_policy=ConcurrencyPolicy.QUEUE)
    turns = [Turn(runner.tenant, await runner.execute(rule), 1) for _ in range(4)]

    claims = await asyncio.gather(*(runs.claim(turn, lease=LEASE) for turn in turns))

    assert sum(claim is not None for claim in claims) == 2


async def test_a_rule_that_somebody_holds_holds_up_no_other_turn(runner: Runner, runs: Runs) -> None:
    rule = await runner.rule(max_concurrent_executions=5, concurrency_policy=ConcurrencyPolicy.QUEUE)
    held = Turn(runner.tenant, await runner.execute(rule), 1)
    free = [Turn(runner.tenant, await runner.execute(), 1) for _ in range(3)]
    async with somebody_else(runner) as other:
        await other.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR UPDATE", (rule.rule_id,))
        waiting = asyncio.create_task(runs.claim(held, lease=LEASE))
        claims = await asyncio.gather(*(runs.claim(turn, lease=LEASE) for turn in free))
        early = waiting.done()
        await other.commit()

    assert all(claim is not None for claim in claims)
    assert not early
    assert await waiting is not None
