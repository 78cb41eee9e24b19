"""Rules that wait for quiet: one run of many triggers, with the latest data, once nothing more comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from automation.domain.rules import Rule, RuleStatus
from automation.domain.start_window import StartWindow
from automation.storage.due import Due
from tests.storage.keyed import keyed
from tests.storage.locks import waiting
from tests.storage.runner import Runner

QUIET = 60


async def triggered(runner: Runner, rule: Rule, **trigger: Any) -> tuple[UUID, bool]:
    """Trigger a rule without a key, and return the execution's id and whether it was pending already."""
    created = await runner.executions.create(runner.tenant, runner.sample.user, rule.rule_id, trigger_data=trigger)
    return created.execution_id, created.already_pending


def quiet_is_over(runner: Runner, execution: UUID) -> None:
    """Let the time pass until an execution may begin."""
    runner.change(execution, "run_at = now(), queued_at = now(), due_at = now()")


async def test_many_triggers_are_one_run_with_the_latest_data_after_the_quiet(runner: Runner, due: Due) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    created = [await triggered(runner, rule, number=number) for number in range(3)]
    execution = created[0][0]
    in_the_quiet = (await runner.claim(execution), await due.sweep(10), runner.jobs())

    quiet_is_over(runner, execution)
    swept = [each.execution_id for each in await due.sweep(10)]
    claim = await runner.claimed(execution)

    assert created == [(execution, False), (execution, True), (execution, True)]
    assert in_the_quiet == (None, [], [])
    assert swept == [execution]
    assert claim.execution.trigger_data == {"number": 2}


async def test_each_trigger_begins_the_quiet_anew(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    (execution, _) = await triggered(runner, rule)
    quiet_is_over(runner, execution)

    assert await triggered(runner, rule) == (execution, True)
    assert await runner.claim(execution) is None


async def test_what_has_begun_is_not_changed_any_more(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    (first, _) = await triggered(runner, rule, number=1)
    quiet_is_over(runner, first)
    claim = await runner.claimed(first)

    (second, already) = await triggered(runner, rule, number=2)

    assert (second != first, already) == (True, False)
    assert claim.execution.trigger_data == {"number": 1}


async def test_each_key_has_a_quiet_of_its_own(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET, deduplication_key="${trigger.order}")

    created = [await keyed(runner, rule, {"order": key}, deduplication_key=key) for key in "abab"]
    unmade = [await keyed(runner, rule) for _ in range(2)]

    assert [each.already_pending for each in (*created, *unmade)] == [False, False, True, True, False, False]
    assert [each.execution_id for each in created[:2]] == [each.execution_id for each in created[2:]]


async def test_the_latest_version_of_the_rule_is_run(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    (execution, _) = await triggered(runner, rule)
    content = replace(rule.content, actions=rule.content.actions[:1])
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, content)

    await triggered(runner, rule)

    row = runner.row(execution)
    assert (row["rule_version"], row["actions_total"]) == (2, 1)


async def test_who_says_when_is_not_put_off(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    (first, _) = await triggered(runner, rule)
    at = runner.row(first)["run_at"]

    other = await runner.executions.create(
        runner.tenant, runner.sample.user, rule.rule_id, trigger_data={}, window=StartWindow(run_at=at)
    )

    assert (other.execution_id != first, other.already_pending) == (True, False)


async def test_one_that_was_told_when_is_not_put_off_by_others_with_its_key(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET, deduplication_key="${trigger.order}")
    at = datetime.now(UTC) + timedelta(hours=1)
    told = await keyed(runner, rule, window=StartWindow(run_at=at), deduplication_key="a")

    other = await keyed(runner, rule, deduplication_key="a")

    assert not other.already_pending
    assert runner.row(told.execution_id)["run_at"] == at


async def test_what_triggers_a_paused_rule_is_put_off_and_waits_for_the_rule(runner: Runner, due: Due) -> None:
    rule = await runner.rule(debounce_seconds=QUIET, status=RuleStatus.PAUSED)
    (execution, _) = await triggered(runner, rule)

    assert await triggered(runner, rule) == (execution, True)
    assert (await due.sweep(10), runner.row(execution)["due_at"]) == ([], None)


async def test_a_trigger_waits_for_a_claim_and_then_creates_another(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    (first, _) = await triggered(runner, rule)
    quiet_is_over(runner, first)
    async with await psycopg.AsyncConnection.connect(runner.urls.worker) as other:
        await other.execute("SELECT FROM claim_execution_v1(%s, %s, 1, 15.0, NULL, NULL, NULL)", (runner.tenant, first))
        trigger = await waiting(runner, other, triggered(runner, rule))
        await other.commit()

    (second, already) = await trigger
    assert (second != first, already) == (True, False)


async def test_a_claim_waits_for_a_trigger_and_begins_nothing(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    (execution, _) = await triggered(runner, rule)
    quiet_is_over(runner, execution)
    async with await psycopg.AsyncConnection.connect(runner.urls.api) as other:
        assert await asked(other, runner, rule, execution) == ("already_pending", execution)
        claim = await waiting(runner, other, runner.claim(execution))
        await other.commit()

    assert await claim is None
    assert await runner.status(execution) == "pending"


async def test_one_that_began_before_it_could_be_put_off_is_not_created_once_more(runner: Runner) -> None:
    rule = await runner.rule(debounce_seconds=QUIET)
    (execution, _) = await triggered(runner, rule)
    quiet_is_over(runner, execution)
    await runner.claimed(execution)
    async with await psycopg.AsyncConnection.connect(runner.urls.api) as other:
        assert await asked(other, runner, rule, execution) == ("postpones", None)


async def asked(
    other: "psycopg.AsyncConnection[tuple[object, ...]]", runner: Runner, rule: Rule, execution: UUID
) -> tuple[object, ...] | None:
    """Trigger a rule in a transaction that goes on, to put an execution off."""
    asking = await other.execute(
        "SELECT outcome, execution_id FROM create_execution_v1(%s, %s, %s, %s, NULL, false, NULL, NULL, NULL,"
        " NULL, NULL, NULL, '{}')",
        (runner.tenant, execution, rule.rule_id, runner.sample.user),
    )
    return await asking.fetchone()
