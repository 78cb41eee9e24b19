"""Executions that newer ones of their rule replace: the newest keep their places, one that runs is asked to stop."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from automation.domain.rules import ConcurrencyPolicy
from tests.storage.locks import Transaction, somebody_else, waiting
from tests.storage.runner import Runner

CHANGE = """
UPDATE automation_executions SET queued_at = date_trunc('minute', now()) - %(age)s * interval '1 minute',
    status = %(status)s, concurrency_key = %(key)s, lease_until = now() + %(lease)s * interval '1 hour',
    cancel_requested_at = CASE WHEN %(asked)s THEN to_timestamp(7) END
WHERE execution_id = %(execution)s
"""
REPLACE = """
SELECT cancel_previous_executions_v1(
    %(tenant)s, %(rule)s, %(execution)s,
    (SELECT queued_at FROM automation_executions WHERE execution_id = %(execution)s), %(slots)s)
"""
FOUND = """
SELECT CASE WHEN cancel_requested_at > to_timestamp(7) THEN 'asked' ELSE status END
FROM automation_executions WHERE execution_id = %s
"""


@dataclass(frozen=True)
class One:
    """An execution of the rule: how many minutes ago it was queued, and what it is."""

    age: int
    status: str = "pending"
    key: str | None = None
    lease: int | None = None
    asked: bool = False


RUNNING = "running"
BEGUN = [One(5, RUNNING, lease=1), One(4, RUNNING, lease=1), One(3, RUNNING, lease=1)]
WAITING = [One(3), One(2), One(1)]

# What there is, who claims, for how many there is room, whether that is replaced itself, and what there is then.
CASES: dict[str, tuple[list[One], int, int, bool, list[str]]] = {
    "the newest is left": (WAITING, 2, 1, False, ["cancelled", "cancelled", "pending"]),
    "the two newest are": (WAITING, 2, 2, False, ["cancelled", "pending", "pending"]),
    "there is room for all": (WAITING, 2, 3, False, ["pending"] * 3),
    "and for one more": (WAITING, 2, 4, False, ["pending"] * 3),
    "one that a newer one replaces": (WAITING, 1, 1, True, ["cancelled", "cancelled", "pending"]),
    "no newer one than who claims is": (WAITING, 0, 1, True, ["cancelled", "pending", "pending"]),
    "whoever holds one is asked": (
        [*BEGUN, One(1)],
        3,
        1,
        False,
        ["asked", "asked", "asked", "pending"],
    ),
    "the newest of those that run keep their places": (
        [*BEGUN, One(1)],
        3,
        3,
        False,
        ["asked", "running", "running", "pending"],
    ),
    "one that nobody holds is over at once": (
        [One(5, RUNNING), One(4, RUNNING, lease=-1), One(1)],
        2,
        1,
        False,
        ["cancelled", "cancelled", "pending"],
    ),
    "a lease that ends now is held": ([One(5, RUNNING, lease=0), One(1)], 1, 1, False, ["asked", "pending"]),
    "one that was asked is neither counted nor asked again": (
        [One(5, RUNNING, lease=1), One(4, RUNNING, lease=1, asked=True), One(1)],
        2,
        2,
        False,
        ["running", "running", "pending"],
    ),
    "nor is one that is over": ([One(5, "failed"), One(4), One(1)], 2, 2, False, ["failed", "pending", "pending"]),
    "others' keys are others' places": (
        [One(5, RUNNING, "a", 1), One(4, key="b"), One(3), One(2, key="a"), One(1, key="a")],
        4,
        1,
        False,
        ["asked", "pending", "pending", "cancelled", "pending"],
    ),
    "without a key it is one of those without": (
        [One(5, RUNNING, None, 1), One(4, key="b"), One(3)],
        2,
        1,
        False,
        ["asked", "pending", "pending"],
    ),
    "what begins later replaces nobody": ([One(2), One(1), One(-60)], 1, 2, False, ["pending"] * 3),
    "of the same moment the last by its id is left": (
        [One(1), One(1), One(1)],
        2,
        1,
        False,
        ["cancelled", "cancelled", "pending"],
    ),
    "who claims of the same moment": ([One(1), One(1), One(1)], 1, 1, True, ["cancelled", "cancelled", "pending"]),
    "more run than there is room for": ([*BEGUN, One(1)], 3, 2, False, ["asked", "asked", "running", "pending"]),
    "more run of the same moment": (
        [*[One(2, RUNNING, None, 1)] * 3, One(1)],
        3,
        2,
        False,
        ["asked", "asked", "running", "pending"],
    ),
    "more wait of the same moment": ([One(1)] * 3, 2, 2, False, ["cancelled", "pending", "pending"]),
    "and of those that run": (
        [One(1, RUNNING, None, 1), One(1, RUNNING, None, 1), One(1)],
        2,
        2,
        False,
        ["asked", "running", "pending"],
    ),
}


@pytest.fixture
async def other(runner: Runner) -> AsyncIterator[Transaction]:
    async with somebody_else(runner) as transaction:
        yield transaction


async def one(other: Transaction, query: str, values: Sequence[Any] | dict[str, Any]) -> object:
    row = await (await other.execute(query.encode(), values)).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", CASES)
async def test_newer_ones_take_the_places_of_older_ones(runner: Runner, other: Transaction, name: str) -> None:
    there, claims, slots, itself, left = CASES[name]
    rule, elsewhere = await runner.rule(), [await runner.execute(), (await runner.claimed()).execution_id]
    executions: list[UUID] = sorted([await runner.execute(rule) for _ in there])
    for execution, each in zip(executions, there, strict=True):
        values = {"age": each.age, "status": each.status, "key": each.key, "lease": each.lease, "asked": each.asked}
        await other.execute(CHANGE.encode(), {"execution": execution, **values})
    await other.execute(b"SELECT set_config('app.tenant', %s, true)", (str(runner.tenant),))
    names = {"tenant": runner.tenant, "rule": rule.rule_id, "execution": executions[claims], "slots": slots}

    replaced = await one(other, REPLACE, names)

    assert replaced is itself
    assert [await one(other, FOUND, (execution,)) for execution in executions] == left
    assert [await one(other, FOUND, (execution,)) for execution in elsewhere] == ["pending", "running"]


async def test_one_that_is_held_again_meanwhile_is_asked_and_not_ended(runner: Runner, other: Transaction) -> None:
    rule = await runner.rule(max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.CANCEL_PREVIOUS)
    claim = await runner.claimed(await runner.execute(rule))
    runner.expire(claim.execution_id)
    newer = await runner.execute(rule)
    names = (runner.tenant, claim.execution_id, claim.fence)
    await other.execute(b"SELECT FROM renew_claim_v1(%s, %s, 1, %s, 15)", names)

    task = await waiting(runner, other, runner.claim(newer))
    await other.commit()

    assert await task is None
    row = runner.row(claim.execution_id)
    assert (row["status"], row["cancel_requested_at"] is not None) == ("running", True)
