"""Executions with a deduplication key: a second one of a key that is pending is the first one."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from automation.domain.errors import TooManyPending
from automation.domain.labels import MadeLabels
from automation.domain.limits import Limit
from automation.domain.rules import Rule, RuleVersion
from tests.storage.keyed import keyed
from tests.storage.locks import waiting
from tests.storage.runner import Runner

TEMPLATE = "${trigger.order}"


async def same(runner: Runner, rule: Rule, key: str = "7", **trigger: Any) -> tuple[str, bool]:
    """Trigger a rule, and return the execution's id and whether it was pending already."""
    created = await keyed(runner, rule, trigger, deduplication_key=key)
    return str(created.execution_id), created.already_pending


async def test_a_second_one_with_the_key_of_a_pending_one_is_that_one(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)

    first, second = await same(runner, rule, number=1), await same(runner, rule, number=2)

    assert (first[1], second) == (False, (first[0], True))
    assert [job["execution_id"] for job in runner.jobs()] == [first[0]]


async def test_keys_are_a_rules_own(runner: Runner) -> None:
    rules = [await runner.rule(deduplication_key=TEMPLATE) for _ in range(2)]

    created = [await same(runner, rule, key) for rule in rules for key in ("7", "8")]

    assert len({execution for execution, _ in created}) == 4
    assert not any(already for _, already in created)


async def test_what_has_begun_takes_nobodys_place(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)
    first = await keyed(runner, rule, deduplication_key="7")
    await runner.claimed(first.execution_id)

    assert (await same(runner, rule))[1] is False


async def test_a_retry_that_is_pending_again_takes_the_place_of_another(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)
    first = await keyed(runner, rule, deduplication_key="7")
    await runner.failed(execution=first.execution_id)
    await runner.executions.retry(runner.tenant, first.execution_id, retry_from="start")

    assert await same(runner, rule) == (str(first.execution_id), True)


async def test_what_starts_nothing_counts_for_no_limit(runner: Runner) -> None:
    runner.sample.administration.set_limits(runner.tenant, {Limit.MAX_PENDING: 2, Limit.EXECUTIONS_PER_DAY: 1})
    rule = await runner.rule(deduplication_key=TEMPLATE)
    first = await same(runner, rule)

    assert await same(runner, rule) == (first[0], True)
    with pytest.raises(TooManyPending):
        await same(runner, rule, "8")


async def test_a_key_that_could_not_be_made_holds_nothing_back_and_the_log_says_why(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)

    async def make(_version: RuleVersion) -> MadeLabels:
        return MadeLabels(labels={}, left_out={}, keys_left_out={"deduplication_key": "trigger.order has no value"})

    created = [
        await runner.executions.create(
            runner.tenant, runner.sample.user, rule.rule_id, trigger_data={}, make_labels=make
        )
        for _ in range(2)
    ]

    assert not any(each.already_pending for each in created)
    (log,) = (await runner.document(created[0].execution_id))["logs"]
    assert log["message"] == "The deduplication_key was left out: trigger.order has no value."


async def test_keys_that_were_made_of_another_version_are_made_anew(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)
    versions: list[int] = []

    async def make(version: RuleVersion) -> MadeLabels:
        versions.append(version.version)
        if len(versions) == 1:
            renamed = replace(rule.content, name="Another name")
            await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, renamed)
        return MadeLabels(labels={}, left_out={}, keys={"deduplication_key": f"of {version.version}"})

    created = await runner.executions.create(
        runner.tenant, runner.sample.user, rule.rule_id, trigger_data={}, make_labels=make
    )

    assert versions == [1, 2]
    assert runner.row(created.execution_id)["deduplication_key"] == "of 2"


async def test_of_two_at_once_the_second_waits_and_is_the_first(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)
    async with await psycopg.AsyncConnection.connect(runner.urls.api) as other:
        (first,) = await _created(other, runner, rule)
        second = await waiting(runner, other, same(runner, rule))
        await other.commit()

    assert await second == (str(first), True)


async def test_one_that_is_being_claimed_is_waited_for_and_another_one_is_created(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)
    first = await keyed(runner, rule, deduplication_key="7")
    async with await psycopg.AsyncConnection.connect(runner.urls.worker) as other:
        await other.execute(
            "SELECT FROM claim_execution_v1(%s, %s, 1, 15.0, NULL, NULL, NULL)", (runner.tenant, first.execution_id)
        )
        second = await waiting(runner, other, same(runner, rule))
        await other.commit()

    execution, already = await second
    assert (execution != str(first.execution_id), already) == (True, False)


async def test_a_claim_waits_for_whoever_is_answered_with_the_execution(runner: Runner) -> None:
    rule = await runner.rule(deduplication_key=TEMPLATE)
    first = await keyed(runner, rule, deduplication_key="7")
    async with await psycopg.AsyncConnection.connect(runner.urls.api) as other:
        await _created(other, runner, rule)
        claim = await waiting(runner, other, runner.claim(first.execution_id))
        await other.commit()

    assert await claim is not None


async def _created(
    other: "psycopg.AsyncConnection[tuple[object, ...]]", runner: Runner, rule: Rule
) -> tuple[object, ...]:
    """Trigger a rule in a transaction that goes on, and return the execution that is pending then."""
    asked = await other.execute(
        "SELECT execution_id FROM create_execution_v1(%s, gen_random_uuid(), %s, %s, NULL, false, NULL, NULL, NULL,"
        """ NULL, NULL, NULL, '{}', '{"labels": {}, "deduplication_key": "7"}', 1)""",
        (runner.tenant, rule.rule_id, runner.sample.user),
    )
    row = await asked.fetchone()
    assert row is not None
    return row
