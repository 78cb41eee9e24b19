"""Deliveries to a hook that come again: each starts its rule once, and is remembered as long as its execution."""

import psycopg
import pytest

from automation.domain.errors import RuleNotActive
from automation.domain.executions import ExecutionDocument
from automation.domain.rules import Rule, RuleStatus
from tests.storage.keyed import keyed
from tests.storage.locks import waiting
from tests.storage.runner import Runner

ONE, OTHER = b"1" * 32, b"2" * 32


async def delivered(runner: Runner, rule: Rule, delivery: bytes = ONE) -> ExecutionDocument:
    """Deliver something to a rule's hook."""
    return await runner.executions.create(runner.tenant, None, rule.rule_id, trigger_data={}, delivery=delivery)


async def test_one_that_comes_again_is_the_same_execution_and_shows_nothing_of_it(runner: Runner) -> None:
    rule = await runner.rule()

    first, again = await delivered(runner, rule), await delivered(runner, rule)

    assert first.json
    assert (again.execution_id, again.json) == (first.execution_id, b"")
    assert [job["execution_id"] for job in runner.jobs()] == [str(first.execution_id)]


async def test_one_is_known_by_its_id_and_its_rule(runner: Runner) -> None:
    rules = [await runner.rule() for _ in range(2)]
    places = [(rule, delivery) for rule in rules for delivery in (ONE, OTHER)]

    first = [(await delivered(runner, *place)).execution_id for place in places]
    again = [(await delivered(runner, *place)).execution_id for place in places]

    assert len(set(first)) == 4
    assert again == first


async def test_of_two_at_once_the_second_waits_for_the_first(runner: Runner) -> None:
    rule = await runner.rule()
    async with await psycopg.AsyncConnection.connect(runner.urls.api) as other:
        found = await other.execute(
            "SELECT execution_id FROM create_delivered_execution_v1("
            " %s, %s, gen_random_uuid(), %s, NULL, '{}', false, NULL, NULL, NULL, NULL, NULL, NULL, '{}')",
            (ONE, runner.tenant, rule.rule_id),
        )
        row = await found.fetchone()
        second = await waiting(runner, other, delivered(runner, rule))
        await other.commit()

    assert row is not None
    assert (await second).execution_id == row[0]
    assert len(runner.jobs()) == 1


async def test_one_that_starts_nothing_may_come_again(runner: Runner) -> None:
    rule = await runner.rule(status=RuleStatus.INACTIVE)

    with pytest.raises(RuleNotActive):
        await delivered(runner, rule)
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute("UPDATE automation_rules SET status = 'active' WHERE rule_id = %s", (rule.rule_id,))

    assert (await delivered(runner, rule)).json


async def test_one_that_finds_the_same_pending_already_is_that_one_from_then_on(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=60)
    waits = await keyed(runner, rule)

    first = await delivered(runner, rule)
    await runner.executions.cancel(runner.tenant, waits.execution_id)
    again = await delivered(runner, rule)

    assert first.execution_id == again.execution_id == waits.execution_id


async def test_one_is_forgotten_with_its_execution(runner: Runner) -> None:
    rule = await runner.rule()
    first = (await delivered(runner, rule)).execution_id
    await runner.executions.cancel(runner.tenant, first)
    await runner.executions.delete(runner.tenant, first)

    assert (await delivered(runner, rule)).execution_id != first
