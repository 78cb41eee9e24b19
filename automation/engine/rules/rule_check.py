"""Makes a rule of what its author wrote, and refuses one that couldn't be run: at once, with everything that is wrong.

The contract has checked the form. What it can't say is checked here: expressions, patterns, and each action's config
against the schema of its own type.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from automation.contract.compiled.violations import LIMIT, bounded
from automation.contract.document.references import pointer
from automation.domain.errors import InvalidBody, Violation
from automation.domain.rules import (
    ConcurrencyPolicy,
    ConditionLogic,
    RuleAction,
    RuleContent,
    RuleStatus,
    TriggerType,
)
from automation.engine.actions import Actions
from automation.engine.expressions.conditions import Condition, Conditions, Operator
from automation.engine.expressions.evaluation import InvalidParts
from automation.engine.rules.action_template import action_template


def checked_content(body: Mapping[str, Any], actions: Actions) -> RuleContent:
    """Return what a body says that the contract has found valid, with the contract's defaults for what it doesn't say.

    Args:
        body: A contract component ``AutomationRuleInput``.
        actions: What rules can do here.

    Raises:
        InvalidBody: The rule couldn't be run; each violation leads to its place in the body.
    """
    content = _content(body)
    violations = tuple(dict.fromkeys(_violations(content, actions)))
    if violations:
        raise InvalidBody("The rule could not be run as it is written.", violations=violations[:LIMIT])
    kept = (replace(action, config=actions.converted(action.type, action.config)) for action in content.actions)
    return replace(content, actions=tuple(kept))


def compiled_conditions(content: RuleContent) -> Conditions:
    """Return a rule's conditions, ready to be evaluated.

    Raises:
        InvalidConditions: They can't be; a rule that was accepted by another version may have such.
    """
    return Conditions.compile(
        [
            Condition(each["field"], Operator(each["operator"]), each.get("value"))  # a null value is none
            for each in content.conditions
        ],
        content.condition_logic,
    )


def _content(body: Mapping[str, Any]) -> RuleContent:
    given = {name: _MADE.get(name, _as_it_is)(value) for name, value in body.items()}
    return RuleContent(**{"trigger_config": {}, **given})


def _as_it_is(value: Any) -> Any:
    return value


def _actions(written: Sequence[Mapping[str, Any]]) -> tuple[RuleAction, ...]:
    return tuple(RuleAction(**each) for each in written)


_MADE: Mapping[str, Callable[[Any], Any]] = {
    "actions": _actions,
    "concurrency_policy": ConcurrencyPolicy,
    "condition_logic": ConditionLogic,
    "conditions": tuple,
    "status": RuleStatus,
    "trigger_type": TriggerType,
}
"""What members become that aren't taken as they are; the names are the contract's and the domain's alike."""


def _violations(content: RuleContent, actions: Actions) -> Iterator[Violation]:
    yield from _of_trigger(content)
    try:
        compiled_conditions(content)
    except InvalidParts as error:
        yield from _below("conditions", violations=error.violations)
    for index, action in enumerate(content.actions):
        yield from _below("actions", index, violations=list(_of_action(action, actions)))


def _of_trigger(content: RuleContent) -> Iterator[Violation]:
    """Yield what is wrong with the trigger's settings: a manual trigger has none."""
    for name in content.trigger_config:
        yield Violation("is not a setting of a manual trigger", pointer=bounded(pointer("trigger_config", name)))


def _of_action(action: RuleAction, actions: Actions) -> Iterator[Violation]:
    for fault in actions.check(action.type, action.config):
        yield Violation(fault.message, pointer=fault.pointer)
    try:
        action_template(action.type, action.config, actions)
    except InvalidParts as error:
        yield from _below("config", violations=error.violations)


def _below(*path: str | int, violations: Sequence[Violation]) -> Iterator[Violation]:
    for violation in violations:
        yield Violation(violation.message, pointer=bounded(f"{pointer(*path)}{violation.pointer or ''}"))
