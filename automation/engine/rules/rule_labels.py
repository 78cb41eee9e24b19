"""Labels and keys that a rule gives its executions: checked when the rule is written, made when one is created."""

from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.compiled.violations import bounded
from automation.contract.document.references import pointer
from automation.domain import labels
from automation.domain.errors import Violation
from automation.domain.labels import LONGEST_VALUE, MadeLabels
from automation.domain.rules import RuleContent, RuleVersion
from automation.engine.expressions.evaluation import Budget, EvaluationError, EvaluationFailed, InvalidParts
from automation.engine.expressions.pace import Pace, PacedBudget
from automation.engine.expressions.scope import scope_beforehand
from automation.engine.expressions.templates import Template
from automation.engine.expressions.values import text

KEYS = ("concurrency_key", "deduplication_key")
"""The members of a rule that its executions' keys are made of."""
KNOWN = frozenset({"trigger", "rule"})
"""The variables that have a value when an execution is created."""


def label_violations(written: Mapping[str, str], budget: Budget) -> Iterator[Violation | int]:
    """Yield what is wrong with labels as a rule has them, and the number of expressions of each that is compiled.

    Raises:
        ExpressionTooCostly: Compiling went over the budget.
    """
    yield from labels.violations(written)
    for key, value in written.items():
        yield from _of_template(value, bounded(pointer("labels", key)), budget)


def key_violations(content: RuleContent, budget: Budget) -> Iterator[Violation | int]:
    """Yield what is wrong with a rule's keys, and the number of expressions of each that is compiled.

    Raises:
        ExpressionTooCostly: Compiling went over the budget.
    """
    if content.concurrency_key is not None and content.max_concurrent_executions is None:
        yield Violation("is of no use without max_concurrent_executions", pointer=pointer("concurrency_key"))
    for name, written in _keys(content).items():
        yield from _of_template(written, pointer(name), budget)


def _keys(content: RuleContent) -> dict[str, str]:
    return {name: written for name in KEYS if (written := getattr(content, name)) is not None}


def _of_template(written: str, place: str, budget: Budget) -> Iterator[Violation | int]:
    try:
        template = Template.compile(written, budget=budget)
    except InvalidParts as error:
        yield from (Violation(each.message, pointer=place) for each in error.violations)
        return
    yield template.expression_count
    if template.secrets:
        yield Violation("takes no secret, which are for configs of actions alone: it is shown", pointer=place)
    for name in sorted(template.variables - KNOWN):
        yield Violation(f"{name} has no value when an execution is created: trigger and rule have", pointer=place)


class RuleLabels:
    """The labels and keys of a version of a rule, compiled, for however many executions.

    Args:
        rule: The rule.
        pace: At which they are compiled.
    """

    def __init__(self, rule: RuleVersion, pace: Pace) -> None:
        budget = PacedBudget.paced(pace)
        self._rule = rule
        self._labels = _compiled(rule.content.labels, budget)
        self._keys = _compiled(_keys(rule.content), budget)

    def made(self, trigger_data: Mapping[str, Any], pace: Pace) -> MadeLabels:
        """Return those of an execution; all of them share what one may cost.

        Args:
            trigger_data: What the execution is created with.
            pace: At which they are made.
        """
        rule, budget = self._rule, PacedBudget(pace)
        values = scope_beforehand(rule.rule_id, rule.version, rule.content, trigger_data)
        labels, left_out = _resolved(self._labels, values, budget)
        keys, keys_left_out = _resolved(self._keys, values, budget)
        return MadeLabels(labels=labels, left_out=left_out, keys=keys, keys_left_out=keys_left_out)


def made_labels(rule: RuleVersion, trigger_data: Mapping[str, Any], pace: Pace) -> MadeLabels:
    """Return the labels and keys that a version of a rule gives one execution, made at a pace."""
    return RuleLabels(rule, pace).made(trigger_data, pace)


def _compiled(written: Mapping[str, str], budget: Budget) -> dict[str, Template | EvaluationError]:
    compiled: dict[str, Template | EvaluationError] = {}
    for key, template in written.items():
        try:
            compiled[key] = Template.compile(template, budget=budget)
        except EvaluationError as error:
            compiled[key] = error
    return compiled


def _resolved(
    compiled: Mapping[str, Template | EvaluationError], values: Mapping[str, Any], budget: Budget
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values that can be made, and why the others can't."""
    resolved: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for key, template in compiled.items():
        try:
            if isinstance(template, EvaluationError):
                left_out[key] = str(template)
            else:
                resolved[key] = _label(template.resolve(values, budget))
        except EvaluationError as error:
            left_out[key] = str(error)
    return resolved, left_out


def _label(value: Any) -> str:
    if isinstance(value, dict | list):
        raise EvaluationFailed("it is an object or an array")
    label = text(value)
    if len(label) > LONGEST_VALUE:
        raise EvaluationFailed(f"it has more than {LONGEST_VALUE} characters")
    return label
