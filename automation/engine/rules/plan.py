"""Plans a run of a rule as far as it can be known in advance: nothing is called and nothing stored."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from automation.contract.document.references import pointer
from automation.domain.errors import RuleDeleted, RuleNotActive
from automation.domain.labels import MOST as MOST_LABELS
from automation.domain.labels import too_many
from automation.domain.rules import Rule, RuleAction, RuleVersion
from automation.domain.start_window import AT_ONCE, StartWindow
from automation.engine.actions import Actions
from automation.engine.expressions.conditions import ConditionResult, Conditions, compiled
from automation.engine.expressions.evaluation import (
    MAX_SIZE,
    Budget,
    EvaluationFailed,
    ExpressionTooCostly,
    InvalidParts,
)
from automation.engine.expressions.pace import Pace, PacedBudget
from automation.engine.expressions.scope import scope_beforehand
from automation.engine.rules.action_template import string_template
from automation.engine.rules.masking import masked
from automation.engine.rules.rule_labels import made_labels

UNKNOWN = frozenset({"context", "execution"})
"""The variables that have no value yet: nothing has been done, and there is no execution."""


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """An action as it would be run (contract component ``PlannedAction``).

    ``unresolved`` are JSON pointers into ``config`` to the strings that stand there as they were written.
    """

    index: int
    type: str
    config: Any
    unresolved: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do (contract component ``ExecutionPlan``)."""

    automation_rule_id: UUID
    rule_version: int
    would_run: bool
    labels: Mapping[str, str]
    run_at: datetime | None = None
    expires_at: datetime | None = None
    conditions: tuple[ConditionResult, ...]
    actions: tuple[PlannedAction, ...]


def plan(
    rule: Rule,
    actions: Actions,
    *,
    trigger_data: Mapping[str, Any],
    override_conditions: bool,
    labels: Mapping[str, str] = MappingProxyType({}),
    window: StartWindow = AT_ONCE,
    pace: Pace | None = None,
) -> Plan:
    """Return the plan of a run of a rule, whatever the rule's status; what has a secret's name is masked for everybody.

    All its configs share what one may cost in a run: what is beyond that stays unresolved.

    Args:
        rule: The rule.
        actions: What rules can do here.
        trigger_data: What the run would be triggered with.
        override_conditions: Whether it would run whatever the conditions say.
        labels: Those that it would be given beside the rule's.
        window: When it might begin.
        pace: At which it is planned; without a rest when left out.

    Raises:
        RuleDeleted: It is.
        RuleNotActive: It can't be run as it is written: an earlier version of the service took more.
        InvalidBody: There are more labels than an execution may have.
    """
    if rule.deleted_at is not None:
        raise RuleDeleted
    pace = pace or Pace(lambda: None)
    version = RuleVersion(rule_id=rule.rule_id, tenant=rule.tenant, version=rule.version, content=rule.content)
    values = scope_beforehand(rule.rule_id, rule.version, rule.content, trigger_data)
    compiling = PacedBudget.paced(pace)
    resolution = _Resolution(values, actions, compiling, PacedBudget(pace))
    try:
        labelled = {**made_labels(version, trigger_data, pace).labels, **labels}
        if len(labelled) > MOST_LABELS:
            raise too_many()
        conditions = compiled(rule.content.conditions, compiling, rule.content.condition_logic)
        met, results = _evaluated(conditions, values, pace)
        planned = tuple(resolution.planned(index, action) for index, action in enumerate(rule.content.actions))
    except InvalidParts as error:
        raise RuleNotActive("The rule cannot be run any more as it is written. Write it anew.") from error
    return Plan(
        automation_rule_id=rule.rule_id,
        rule_version=rule.version,
        would_run=met or override_conditions,
        labels=labelled,
        run_at=window.run_at,
        expires_at=window.expires_at,
        conditions=results,
        actions=planned,
    )


def _evaluated(
    conditions: Conditions, values: Mapping[str, Any], pace: Pace
) -> tuple[bool, tuple[ConditionResult, ...]]:
    try:
        outcome = conditions.evaluate(values, PacedBudget(pace, size=MAX_SIZE * max(1, len(conditions.conditions))))
    except ExpressionTooCostly as error:
        return False, tuple(
            ConditionResult(condition, met=False, reason=str(error)) for condition in conditions.conditions
        )
    return outcome.met, outcome.results


class _Resolution:
    """The resolving of a plan's configs, string by string, with what all of them may still cost."""

    def __init__(self, values: Mapping[str, Any], actions: Actions, compiling: Budget, evaluating: Budget) -> None:
        self._values = values
        self._actions = actions
        self._compiling = compiling
        self._evaluating = evaluating

    def planned(self, index: int, action: RuleAction) -> PlannedAction:
        unresolved: list[str] = []
        config = self._resolved(action.config, (), action.type, unresolved)
        return PlannedAction(index, action.type, masked(config), tuple(unresolved))

    def _resolved(self, config: Any, path: tuple[str | int, ...], kind: str, unresolved: list[str]) -> Any:
        if isinstance(config, Mapping):
            return {name: self._resolved(member, (*path, name), kind, unresolved) for name, member in config.items()}
        if isinstance(config, list):
            return [self._resolved(element, (*path, at), kind, unresolved) for at, element in enumerate(config)]
        return self._text(config, pointer(*path), kind, unresolved) if isinstance(config, str) else config

    def _text(self, text: str, place: str, kind: str, unresolved: list[str]) -> Any:
        template = string_template(kind, place, text, self._actions, self._compiling)
        if not template.variables & UNKNOWN and not template.secrets:
            with suppress(EvaluationFailed):
                return template.resolve(self._values, self._evaluating)
        unresolved.append(place)
        return text
