"""Conditions of rules that wait for events: compiled once for all events of a request, and looked at part by part."""

from collections.abc import Sequence
from typing import Any

from automation.domain.events import Event, WaitingRule
from automation.engine.expressions.conditions import Conditions, compiled
from automation.engine.expressions.evaluation import EvaluationError
from automation.engine.expressions.pace import PacedBudget, SharedPace

STEPS_OF_A_CONDITION = 24
"""What compiling or evaluating a condition takes beside the steps that are counted in it."""


class Judging:
    """Finds out which events meet the conditions of which rules.

    Args:
        pairs: Those of one rule come one after the other, as the same object.
    """

    def __init__(self, pairs: Sequence[tuple[WaitingRule, Event]]) -> None:
        self._pairs = pairs
        self._rule: WaitingRule | None = None
        self._conditions: Conditions | None = None
        self._scopes: dict[int, dict[str, Any]] = {}
        self.verdicts: list[bool] = []

    @property
    def unfinished(self) -> bool:
        """Whether there are pairs that were not looked at."""
        return len(self.verdicts) < len(self._pairs)

    def go_on(self, pace: SharedPace, steps: int) -> None:
        """Look at a pair, and at others until so many steps are taken."""
        until = pace.allotment.left - steps
        while self.unfinished:
            rule, event = self._pairs[len(self.verdicts)]
            self.verdicts.append(self._meets(rule, event, pace))
            if pace.allotment.left <= until:
                return

    def _meets(self, rule: WaitingRule, event: Event, pace: SharedPace) -> bool:
        overhead = STEPS_OF_A_CONDITION * len(rule.conditions)
        try:
            if rule is not self._rule:
                self._conditions = None
                pace.step(overhead)
                self._conditions = compiled(rule.conditions, PacedBudget.paced(pace))
                self._rule = rule
            if self._conditions is None:
                return False
            pace.step(overhead)
            return self._conditions.evaluate(self._scope(event), PacedBudget(pace)).met
        except EvaluationError:
            self._rule = rule
            return False

    def _scope(self, event: Event) -> dict[str, Any]:
        """Return the variables' values; those of an event are made once, for they may have many members."""
        if (scope := self._scopes.get(id(event))) is None:
            scope = self._scopes[id(event)] = {"trigger": dict(event.trigger)}
        return scope
