"""Subscriptions of rules to events, as a trigger (keep_event_subscriptions_v1) keeps them: those that each has now."""

from typing import Any
from uuid import UUID

import psycopg

from automation.domain.rules import TriggerType
from tests.storage.runner import Runner
from tests.storage.samples import a_content

ROWS = "SELECT rule_id, type, source FROM automation_event_subscriptions WHERE tenant = %s ORDER BY rule_id, type"


def subscriptions(runner: Runner) -> list[tuple[Any, ...]]:
    with psycopg.connect(runner.urls.admin) as admin:
        return admin.execute(ROWS, (runner.tenant,)).fetchall()


async def waiting_for(runner: Runner, *types: str, **config: str) -> UUID:
    rule = await runner.rule(trigger_type=TriggerType.EVENT, trigger_config={"types": types, **config})
    return rule.rule_id


async def test_a_rule_has_a_row_for_each_type_that_it_waits_for_and_no_other_rules(runner: Runner) -> None:
    await runner.rule()
    first, second = await waiting_for(runner, "a", "b", "a", source="here"), await waiting_for(runner, "b")
    created = subscriptions(runner)

    changed = a_content(trigger_type=TriggerType.EVENT, trigger_config={"types": ["c"]})
    await runner.rules.update(runner.tenant, runner.sample.user, first, changed)
    updated = subscriptions(runner)
    await runner.rules.delete(runner.tenant, first)
    deleted = subscriptions(runner)
    await runner.rules.update(runner.tenant, runner.sample.user, second, a_content())

    assert created == sorted([(first, "a", "here"), (first, "b", "here"), (second, "b", "")])
    assert updated == sorted([(first, "c", ""), (second, "b", "")])
    assert deleted == [(second, "b", "")]
    assert subscriptions(runner) == []
