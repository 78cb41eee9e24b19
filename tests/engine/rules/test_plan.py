from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from automation.domain.errors import RuleDeleted, RuleNotActive
from automation.domain.rules import ConditionLogic, Rule, RuleAction, RuleContent, RuleStatus
from automation.engine.actions import ActionResources, Actions, webhook_call
from automation.engine.rules.plan import Plan, plan

ACTIONS = Actions.of([webhook_call.action(ActionResources())])
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def a_rule(*configs: Any, conditions: tuple[dict[str, Any], ...] = (), **fields: Any) -> Rule:
    actions = tuple(RuleAction(type="webhook_call", config=config) for config in configs or ({},))
    content = RuleContent(
        name="Notify", status=RuleStatus.ACTIVE, trigger_config={}, conditions=conditions, actions=actions
    )
    return Rule(
        rule_id=uuid4(),
        tenant=uuid4(),
        version=3,
        content=content,
        created_by=uuid4(),
        created_at=NOW,
        updated_at=NOW,
        **fields,
    )


def planned(rule: Rule, *, override_conditions: bool = False, **trigger_data: Any) -> Plan:
    return plan(rule, ACTIONS, trigger_data=trigger_data, override_conditions=override_conditions)


def test_it_says_which_version_of_which_rule_it_is_of() -> None:
    rule = a_rule()

    made = planned(rule)

    assert (made.automation_rule_id, made.rule_version, made.would_run) == (rule.rule_id, 3, True)


def test_every_condition_is_told_one_by_one() -> None:
    conditions = (
        {"field": "trigger.total", "operator": "greater_than", "value": 50},
        {"field": "trigger.country", "operator": "exists"},
    )

    made = planned(a_rule(conditions=conditions), total=99.5)

    assert [(each.condition.field, each.met) for each in made.conditions] == [
        ("trigger.total", True),
        ("trigger.country", False),
    ]
    assert all(each.reason for each in made.conditions)
    assert not made.would_run


def test_one_condition_of_several_may_be_enough() -> None:
    rule = a_rule(
        conditions=({"field": "trigger.a", "operator": "exists"}, {"field": "trigger.b", "operator": "exists"})
    )
    either = replace(rule, content=replace(rule.content, condition_logic=ConditionLogic.OR))

    assert planned(either, b=1).would_run


def test_conditions_can_be_overridden_and_are_told_all_the_same() -> None:
    rule = a_rule(conditions=({"field": "trigger.total", "operator": "exists"},))

    made = planned(rule, override_conditions=True)

    assert made.would_run
    assert [each.met for each in made.conditions] == [False]


def test_conditions_that_cost_too_much_are_not_met() -> None:
    doubling = "trigger.list" + " | [@, @][]" * 30
    rule = a_rule(
        conditions=({"field": doubling, "operator": "exists"}, {"field": "trigger.list", "operator": "exists"})
    )

    made = planned(rule, list=[1])

    assert not made.would_run
    assert [each.met for each in made.conditions] == [False, False]
    assert all("too" in each.reason for each in made.conditions)


def test_configs_are_resolved_with_the_types_of_the_values() -> None:
    rule = a_rule(
        {"url": "https://example.com/${trigger.id}", "json": {"total": "${trigger.total}", "of": ["${rule.name}"]}}
    )

    (action,) = planned(rule, id=1042, total=99.5).actions

    assert action.config == {"url": "https://example.com/1042", "json": {"total": 99.5, "of": ["Notify"]}}
    assert action.unresolved == ()


@pytest.mark.parametrize(
    "text",
    [
        '${context.actions."0".status}',
        "${context.actions.\"0\".status || 'none'}",
        "order ${trigger.id} is ${execution.execution_id}",
        "${to_string(@)}",
        "${trigger.missing}",
    ],
)
def test_what_cannot_be_known_beforehand_stands_as_it_was_written(text: str) -> None:
    rule = a_rule({}, {"url": "https://example.com", "json": {"a/b": [text]}})

    _, action = planned(rule, id=1042).actions

    assert action.config == {"url": "https://example.com", "json": {"a/b": [text]}}
    assert (action.index, action.unresolved) == (1, ("/json/a~1b/0",))


def test_secrets_are_masked_whether_resolved_or_not() -> None:
    headers = {"Authorization": "Bearer ${trigger.jwt}", "x-api-key": "${trigger.missing}", "accept": "*/*"}

    (action,) = planned(a_rule({"headers": headers}), jwt="s3cret").actions

    assert action.config == {"headers": {"Authorization": "***", "x-api-key": "***", "accept": "*/*"}}
    assert action.unresolved == ("/headers/x-api-key",)


def test_configs_that_cost_too_much_stay_unresolved_and_do_not_grow() -> None:
    rule = a_rule(*({"json": ["${trigger.text}"] * 100} for _ in range(10)))

    made = planned(rule, text="x" * 50_000)

    resolved = [text for action in made.actions for text in action.config["json"] if text != "${trigger.text}"]
    assert 0 < len(resolved) < 50
    assert sum(len(action.unresolved) for action in made.actions) == 1000 - len(resolved)


@pytest.mark.parametrize("status", RuleStatus)
def test_a_rule_can_be_tried_before_it_is_active(status: RuleStatus) -> None:
    rule = a_rule()

    made = planned(replace(rule, content=replace(rule.content, status=status)))

    assert made.would_run


def test_a_deleted_rule_has_no_plan() -> None:
    with pytest.raises(RuleDeleted):
        planned(a_rule(deleted_at=NOW))


@pytest.mark.parametrize(
    "rule",
    [a_rule({"url": "${nothing}"}), a_rule(conditions=({"field": "nothing", "operator": "exists"},))],
    ids=["config", "condition"],
)
def test_a_rule_that_no_longer_compiles_has_no_plan(rule: Rule) -> None:
    with pytest.raises(RuleNotActive, match="as it is written"):
        planned(rule)
