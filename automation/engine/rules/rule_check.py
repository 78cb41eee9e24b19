"""Makes a rule of what its author wrote, and refuses one that couldn't be run: at once, with everything that is wrong.

The contract has checked the form. What it can't say is checked here: expressions, patterns, and the config of the
trigger and of each action against the schema of its own type.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from automation.contract.compiled.violations import LIMIT, bounded
from automation.contract.document.references import pointer
from automation.domain.errors import InvalidBody, InvalidInput, Violation
from automation.domain.rules import (
    ConcurrencyPolicy,
    ConditionLogic,
    RuleAction,
    RuleContent,
    RuleStatus,
    TriggerType,
)
from automation.domain.secrets import MOST_IN_A_RULE
from automation.engine.actions import Actions
from automation.engine.expressions.conditions import compiled
from automation.engine.expressions.evaluation import Budget, ExpressionTooCostly, InvalidParts
from automation.engine.expressions.pace import Step, uncounted
from automation.engine.expressions.templates import MAX_EXPRESSIONS, Template
from automation.engine.rules.action_template import action_template
from automation.engine.rules.rule_labels import key_violations, label_violations
from automation.engine.triggers import Triggers
from automation.engine.triggers.input_schema import InputSchema, schema_violations
from automation.engine.triggers.recurring import first_trigger_of

MAX_STEPS = 64_000
"""What the check of a rule may cost: 0.1 s. A character of an expression is one step, a member of a config eight."""


def checked_content(
    body: Mapping[str, Any],
    actions: Actions,
    triggers: Triggers,
    budget: Budget | None = None,
    step: Step = uncounted,
) -> RuleContent:
    """Return what a body says that the contract has found valid, with the contract's defaults for what it doesn't say.

    Args:
        body: A contract component ``AutomationRuleInput``.
        actions: What rules can do here.
        triggers: What can start them.
        budget: What the check may cost; a fresh one of ``MAX_STEPS`` when left out.
        step: Counts what has a bound of its own.

    Raises:
        InvalidBody: The rule couldn't be run, or not be checked within the budget; each violation leads to its place in
            the body.
    """
    content = _content(body)
    found = _distinct(_violations(content, actions, triggers, budget or Budget(steps=MAX_STEPS), step))
    violations = tuple(islice(found, LIMIT))  # what isn't listed isn't looked for
    if violations:
        raise InvalidBody("The rule could not be run as it is written.", violations=violations)
    kept = (replace(action, config=actions.converted(action.type, action.config)) for action in content.actions)
    return replace(content, actions=tuple(kept))


def _content(body: Mapping[str, Any]) -> RuleContent:
    made = {name: make(body[name]) for name, make in _MADE.items() if name in body}
    return RuleContent(**{"trigger_config": {}, **body, **made})


_MADE: Mapping[str, Callable[[Any], Any]] = {
    "actions": lambda written: tuple(RuleAction(**each) for each in written),
    "concurrency_policy": ConcurrencyPolicy,
    "condition_logic": ConditionLogic,
    "conditions": tuple,
    "status": RuleStatus,
    "trigger_type": TriggerType,
}
"""What members become that aren't taken as they are; the names are the contract's and the domain's alike."""


def _violations(
    content: RuleContent, actions: Actions, triggers: Triggers, budget: Budget, step: Step
) -> Iterator[Violation]:
    of_trigger = triggers.check(content.trigger_type, content.trigger_config)
    yield from _below("trigger_config", violations=of_trigger)
    if content.trigger_type is TriggerType.RECURRING and content.debounce_seconds is not None:
        yield Violation("is not for a recurring rule, whose times are its own", pointer=pointer("debounce_seconds"))
    if content.input_schema is not None:
        yield from _of_input_schema(content, content.input_schema, of_trigger, step)
    place = pointer("conditions")
    try:
        yield from _of_conditions(content, budget)
        expressions, secrets = len(content.conditions), set[str]()
        for index, action in enumerate(content.actions):
            place = pointer("actions", index)
            template, violations = _template(action, actions, budget)
            faults = actions.check(action.type, action.config)
            of_config = [Violation(fault.message, pointer=fault.pointer) for fault in faults]
            yield from _below("actions", index, violations=[*of_config, *violations])
            if template is None:
                continue
            yield from _of_secrets(index, action, actions, template)
            secrets |= template.secrets.keys()
            if len(secrets) > MOST_IN_A_RULE:
                message = f"a rule names at most {MOST_IN_A_RULE} secrets: with this action it names {len(secrets)}"
                yield Violation(message, pointer=place)
                return
            expressions += template.expression_count
            if expressions > MAX_EXPRESSIONS:
                yield Violation(
                    f"a rule has at most {MAX_EXPRESSIONS} expressions in all, its conditions' included: "
                    f"with this action it has {expressions}",
                    pointer=place,
                )
                return
        place = pointer("labels")
        yield from _of_labels(content, budget, expressions)
    except ExpressionTooCostly:
        yield Violation(
            "the check of the rule takes too many steps by this place; it needs shorter expressions, "
            "or fewer members and elements in its configs",
            pointer=place,
        )


def _of_input_schema(
    content: RuleContent, schema: Mapping[str, Any], of_trigger: Sequence[Violation], step: Step
) -> Iterator[Violation]:
    """Yield what is wrong with an input schema; and why by the clock, where nobody is told, it never ran."""
    found = tuple(schema_violations(schema, step))
    yield from _below("input_schema", violations=found)
    if content.trigger_type is not TriggerType.RECURRING or found or of_trigger:
        return
    trigger = first_trigger_of(content.trigger_config)
    if trigger is None:
        return
    try:
        InputSchema(schema, step).require(trigger)
    except InvalidInput as error:
        for each in error.violations:
            message = f"refuses what the rule's schedule triggers it with, scheduled_at and fired_at: {each.message}"
            yield Violation(message, pointer=pointer("input_schema"))


def _of_labels(content: RuleContent, budget: Budget, expressions: int) -> Iterator[Violation]:
    for found in chain(label_violations(content.labels, budget), key_violations(content, budget)):
        if isinstance(found, Violation):
            yield found
        else:
            expressions += found
    if expressions > MAX_EXPRESSIONS:
        yield Violation(
            f"a rule has at most {MAX_EXPRESSIONS} expressions in all: with its labels and keys it has {expressions}",
            pointer=pointer("labels"),
        )


def _distinct(violations: Iterator[Violation]) -> Iterator[Violation]:
    seen = set()
    for violation in violations:
        if violation not in seen:
            seen.add(violation)
            yield violation


def _of_conditions(content: RuleContent, budget: Budget) -> Iterator[Violation]:
    try:
        compiled(content.conditions, budget, content.condition_logic)
    except InvalidParts as error:
        yield from _below("conditions", violations=error.violations)


def _template(action: RuleAction, actions: Actions, budget: Budget) -> tuple[Template | None, Sequence[Violation]]:
    """Return the template of an action's config, and what is wrong with it where there is none.

    It comes first: whatever else is looked at is bounded by what the template has cost.
    """
    try:
        return action_template(action.type, action.config, actions, budget), ()
    except InvalidParts as error:
        return None, tuple(_below("config", violations=error.violations))


def _of_secrets(index: int, action: RuleAction, actions: Actions, template: Template) -> Iterator[Violation]:
    """Yield what is wrong with the secrets that an action names: until when an execution waits is no secret."""
    if actions.waits(action.type):
        for place in dict.fromkeys(place for places in template.secrets.values() for place in places):
            yield from _below(
                "actions",
                index,
                "config",
                violations=[Violation("an action that waits takes no secret", pointer=place)],
            )


def _below(*path: str | int, violations: Sequence[Violation]) -> Iterator[Violation]:
    for violation in violations:
        yield Violation(violation.message, pointer=bounded(f"{pointer(*path)}{violation.pointer or ''}"))
