from typing import Any

import pytest

from automation.contract.compiled.violations import LIMIT
from automation.domain.errors import InvalidBody, Violation
from automation.domain.rules import ConcurrencyPolicy, ConditionLogic, RuleAction, RuleContent, RuleStatus, TriggerType
from automation.engine.actions import Actions
from automation.engine.expressions.pace import STRETCH, Pace, PacedBudget
from automation.engine.rules.rule_check import MAX_STEPS, checked_content
from tests.engine.triggers.shipped import TRIGGERS

WEBHOOK: dict[str, Any] = {
    "type": "webhook_call",
    "config": {"url": "https://example.com/hook", "json": {"id": "${trigger.id}"}},
}


@pytest.fixture(scope="module")
def actions() -> Actions:
    return Actions.load()


def body(**members: Any) -> dict[str, Any]:
    return {"name": "Notify", "actions": [WEBHOOK], **members}


def violations(installed: Actions, /, **members: Any) -> dict[str | None, str]:
    with pytest.raises(InvalidBody) as refusal:
        checked_content(body(**members), installed, TRIGGERS)
    return {violation.pointer: violation.message for violation in refusal.value.violations}


def test_what_a_rule_does_not_say_is_the_default(actions: Actions) -> None:
    content = checked_content(body(), actions, TRIGGERS)

    assert content == RuleContent(
        name="Notify",
        description=None,
        status=RuleStatus.DRAFT,
        trigger_type=TriggerType.MANUAL,
        trigger_config={},
        conditions=(),
        condition_logic=ConditionLogic.AND,
        actions=(RuleAction(**WEBHOOK, continue_on_error=False, timeout_seconds=30, retry_attempts=0),),
        execution_timeout_seconds=3600,
        max_concurrent_executions=None,
        concurrency_policy=ConcurrencyPolicy.QUEUE,
    )


def test_what_a_rule_says_is_kept(actions: Actions) -> None:
    written = {
        "name": "Notify",
        "description": "Of orders.",
        "status": "active",
        "trigger_type": "manual",
        "trigger_config": {},
        "conditions": [{"field": "trigger.total", "operator": "greater_than", "value": 50}],
        "condition_logic": "or",
        "actions": [{**WEBHOOK, "continue_on_error": True, "timeout_seconds": 5, "retry_attempts": 2}],
        "execution_timeout_seconds": 60,
        "max_concurrent_executions": 3,
        "concurrency_policy": "cancel_previous",
        "labels": {"env": "prod", "order": "${trigger.order_id}"},
    }

    content = checked_content(written, actions, TRIGGERS)

    assert content == RuleContent(
        name="Notify",
        description="Of orders.",
        status=RuleStatus.ACTIVE,
        trigger_config={},
        conditions=({"field": "trigger.total", "operator": "greater_than", "value": 50},),
        condition_logic=ConditionLogic.OR,
        actions=(RuleAction(**WEBHOOK, continue_on_error=True, timeout_seconds=5, retry_attempts=2),),
        execution_timeout_seconds=60,
        max_concurrent_executions=3,
        concurrency_policy=ConcurrencyPolicy.CANCEL_PREVIOUS,
        labels={"env": "prod", "order": "${trigger.order_id}"},
    )
    assert isinstance(content.concurrency_policy, ConcurrencyPolicy)


def test_an_unknown_action_is_refused(actions: Actions) -> None:
    found = violations(actions, actions=[WEBHOOK, {"type": "dance", "config": {}}])

    assert found == {"/actions/1/type": "must be one of: email_notification, wait, webhook_call"}


def test_a_config_is_held_to_the_schema_of_its_action(actions: Actions) -> None:
    found = violations(actions, actions=[{"type": "webhook_call", "config": {"url": 7, "colour": "red"}}])

    assert found == {
        "/actions/0/config/colour": "is not a known member",
        "/actions/0/config/url": "must be a string",
    }


@pytest.mark.parametrize(
    ("action", "place", "words"),
    [
        ({"type": "webhook_call", "config": {}}, "/config/url", "is required"),
        ({"type": "webhook_call", "config": {**WEBHOOK["config"], "jsn": {}}}, "/config/jsn", "is not a known member"),
        (
            {"type": "webhook_call", "config": {**WEBHOOK["config"], "method": "post"}},
            "/config/method",
            "must be one of: GET, HEAD, POST, PUT, PATCH, DELETE",
        ),
        (
            {"type": "webhook_call", "config": {**WEBHOOK["config"], "headers": {"x" * 101: ""}}},
            f"/config/headers/{'x' * 101}",
            "has a name that must have at most 100 characters",
        ),
        ({"type": "wait", "config": {"seconds": -1}}, "/config/seconds", "must be more than 0"),
        (
            {"type": "email_notification", "config": {"to": ["a@example.com"], "subject": "a\nb", "text": ""}},
            "/config/subject",
            "must be one line without control characters",
        ),
        ({"type": "dance", "config": {}}, "/type", "must be one of: email_notification, wait, webhook_call"),
    ],
)
def test_an_action_is_told_of_in_the_words_of_all_bodies(
    actions: Actions, action: dict[str, Any], place: str, words: str
) -> None:
    assert violations(actions, actions=[action]) == {f"/actions/0{place}": words}


def test_everything_that_is_wrong_is_told_at_once(actions: Actions) -> None:
    found = violations(
        actions,
        trigger_config={"cron": "* * * * *"},
        conditions=[
            {"field": "trigger.", "operator": "exists"},
            {"field": "trigger.name", "operator": "regex_match", "value": "("},
            {"field": "trigger.name", "operator": "in", "value": "a"},
        ],
        actions=[
            {
                "type": "webhook_call",
                "config": {"url": "https://example.com/${trigger.", "json": {"a/b": ["${tirgger}"]}},
            },
            {"type": "wait", "config": {}},
        ],
    )

    assert found.keys() == {
        "/trigger_config/cron",
        "/conditions/0/field",
        "/conditions/1/value",
        "/conditions/2/value",
        "/actions/0/config/url",
        "/actions/0/config/json/a~1b/0",
        "/actions/1/config",
    }
    assert "there is no variable tirgger" in found["/actions/0/config/json/a~1b/0"]


def test_of_very_many_things_that_are_wrong_the_first_are_told(actions: Actions) -> None:
    dance = {"type": "dance", "config": {}}

    with pytest.raises(InvalidBody) as refusal:
        checked_content(body(actions=[dance] * 50), actions, TRIGGERS)

    assert len(refusal.value.violations) == LIMIT
    assert refusal.value.violations[0] == Violation(
        "must be one of: email_notification, wait, webhook_call", pointer="/actions/0/type"
    )


def test_a_pointer_that_is_too_long_leads_to_what_is_around_it(actions: Actions) -> None:
    found = violations(
        actions, actions=[{"type": "webhook_call", "config": {**WEBHOOK["config"], "json": {"x" * 300: "${"}}}]
    )

    assert found.keys() == {"/actions/0/config/json"}


def test_an_integer_of_a_config_that_was_written_as_a_float_is_kept_as_an_integer(actions: Actions) -> None:
    config = {**WEBHOOK["config"], "max_response_bytes": 1024.0, "expected_statuses": [200.0], "json": {"total": 5.0}}

    content = checked_content(body(actions=[{"type": "webhook_call", "config": config}]), actions, TRIGGERS)

    kept = content.actions[0].config
    assert (
        repr((kept["max_response_bytes"], kept["expected_statuses"], kept["json"])) == "(1024, [200], {'total': 5.0})"
    )


def test_a_rule_has_at_most_200_expressions_in_all(actions: Actions) -> None:
    condition = {"field": "trigger.a", "operator": "exists"}
    half = {"type": "webhook_call", "config": {"url": "https://example.com/hook", "json": ["${trigger.a}"] * 99}}

    assert (
        len(checked_content(body(conditions=[condition, condition], actions=[half, half]), actions, TRIGGERS).actions)
        == 2
    )
    found = violations(actions, conditions=[condition, condition, condition], actions=[half, half])

    assert found.keys() == {"/actions/1"}
    assert "at most 200 expressions" in found["/actions/1"]


SEVERAL = 20
HOSTILE = {
    "expressions": ["${[" + ",".join(["`1`"] * 100) + "]}"] * 150,
    "elements": [""] * 20_000,
    "members": {str(number): 0 for number in range(7_000)},
    "arrays": [[]] * 20_000,
    "dollars": ["$${" * 100] * 200,
    "unclosed": ["${'"] * 9_000,
    "braces": ["${" + "{" * 510] * 100,
}


class Stretches:
    """Counts the steps that a check takes between two rests."""

    def __init__(self) -> None:
        self.rests = 0

    def rest(self) -> None:
        self.rests += 1


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
def test_the_check_of_a_rule_takes_a_limited_number_of_steps(actions: Actions, config: Any) -> None:
    stretches = Stretches()
    budget = PacedBudget(Pace(stretches.rest), steps=MAX_STEPS)
    webhook = {"type": "webhook_call", "config": {"url": "https://example.com/", "json": config}}

    with pytest.raises(InvalidBody) as refusal:
        checked_content(body(actions=[webhook] * SEVERAL), actions, TRIGGERS, budget)

    assert 0 < len(refusal.value.violations) <= LIMIT
    assert stretches.rests <= 2 * MAX_STEPS / STRETCH


def test_a_check_that_takes_too_many_steps_says_where(actions: Actions) -> None:
    found = violations(actions, actions=[WEBHOOK, {**WEBHOOK, "config": {**WEBHOOK["config"], "json": [0] * 9_000}}])

    assert found.keys() == {"/actions/1"}
    assert "too many steps" in found["/actions/1"]


def test_conditions_that_take_too_many_steps_are_refused(actions: Actions) -> None:
    condition = {"field": "trigger.a", "operator": "in", "value": [0] * 30_000}

    found = violations(actions, conditions=[condition] * 3)

    assert found.keys() == {"/conditions"}


def test_a_pattern_names_few_unicode_classes(actions: Actions) -> None:
    condition = {"field": "trigger.a", "operator": "regex_match"}

    assert checked_content(body(conditions=[{**condition, "value": r"^\p{Lu}\p{Ll}+$"}]), actions, TRIGGERS).conditions
    found = violations(actions, conditions=[{**condition, "value": r"\p{Lu}" * 6}])

    assert "Unicode classes" in found["/conditions/0/value"]


@pytest.mark.parametrize("key", ["Env", "a b", "", "x" * 64, "ä", "a:b"])
def test_a_labels_key_has_a_form(actions: Actions, key: str) -> None:
    found = violations(actions, labels={"env": "test", key: "prod"})

    form = "has a name that must be 1 to 63 of the characters a to z, 0 to 9, dot, underscore and hyphen"
    assert found == {f"/labels/{key}": form}


def test_a_labels_key_that_is_very_long_is_not_told(actions: Actions) -> None:
    assert violations(actions, labels={"a/~" * 1000: "${"}).keys() == {"/labels"}


def test_a_rule_has_at_most_20_labels(actions: Actions) -> None:
    found = violations(actions, labels={f"label-{number}": "" for number in range(21)})

    assert found == {"/labels": "must have at most 20 members"}


def test_labels_know_what_there_is_when_an_execution_is_created(actions: Actions) -> None:
    found = violations(
        actions,
        labels={
            "one": "${context.actions}",
            "two": "${execution.execution_id}",
            "three": "${trigger.}",
            "four": "${rule.name}",
        },
    )

    assert found.keys() == {"/labels/one", "/labels/two", "/labels/three"}


def test_the_expressions_of_labels_count(actions: Actions) -> None:
    labels = {f"label-{number}": "${rule.name}" * 12 for number in range(17)}

    assert "in all" in violations(actions, labels=labels)["/labels"]


def test_a_recurring_rule_is_not_debounced(actions: Actions) -> None:
    told = {"trigger_type": "recurring", "trigger_config": {"every": "PT1M"}}

    assert checked_content(body(**told), actions, TRIGGERS).trigger_type is TriggerType.RECURRING
    assert "/debounce_seconds" in violations(actions, **told, debounce_seconds=3)


@pytest.mark.parametrize(
    "schema",
    [
        {"required": ["order"]},
        {"properties": {"scheduled_at": {"type": "integer"}}},
        {"additionalProperties": False},
        {"maxProperties": 1},
    ],
)
def test_a_recurring_rule_takes_its_own_trigger(actions: Actions, schema: dict[str, Any]) -> None:
    told = {"trigger_type": "recurring", "trigger_config": {"cron": "0 9 * * *"}}

    found = violations(actions, **told, input_schema=schema)

    assert [*found] == ["/input_schema"]
    assert "refuses what the rule's schedule triggers it with" in found["/input_schema"]
    assert checked_content(body(input_schema=schema), actions, TRIGGERS).input_schema == schema


def test_what_a_schema_asks_of_the_time_is_asked_of_one_that_comes(actions: Actions) -> None:
    at_nine = {"required": ["fired_at"], "properties": {"scheduled_at": {"pattern": "T09:00:00"}}}
    told = {"trigger_type": "recurring", "input_schema": at_nine}

    assert checked_content(body(**told, trigger_config={"cron": "0 9 * * *"}), actions, TRIGGERS)
    assert "/input_schema" in violations(actions, **told, trigger_config={"cron": "0 10 * * *"})
