"""Conditions: they decide whether a triggered rule runs, each with a result and a reason for the rule's author."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from automation.contract.document.references import pointer
from automation.domain.errors import Violation
from automation.domain.rules import ConditionLogic
from automation.engine.expressions.evaluation import (
    MAX_SIZE,
    Budget,
    ExpressionFailed,
    ExpressionTooCostly,
    InvalidConditions,
    InvalidExpression,
)
from automation.engine.expressions.expressions import Expression
from automation.engine.expressions.operators import Comparison, InvalidOperand, Judgement, Operator
from automation.engine.expressions.stack import roomy


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as its author wrote it (contract component ``Condition``).

    Args:
        field: An expression.
        operator: How its value is compared.
        value: What it is compared with, as it stands: nothing in it is an expression. None is none.
    """

    field: str
    operator: Operator
    value: Any = None


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """The result of one condition; the reason quotes its field, never a value."""

    condition: Condition
    met: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the rule may run, and every condition's own result, in their order."""

    met: bool
    results: tuple[ConditionResult, ...]


class _Compiled(NamedTuple):
    condition: Condition
    expression: Expression
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Conditions:
    """Compiled conditions; made by ``compile``, immutable, usable from several threads."""

    logic: ConditionLogic
    _compiled: tuple[_Compiled, ...]

    @classmethod
    def compile(cls, conditions: Sequence[Condition], logic: ConditionLogic, budget: Budget | None = None) -> Self:
        """Compile conditions.

        Args:
            conditions: As they were written.
            logic: How they belong together.
            budget: What compiling may cost; anything when left out.

        Raises:
            ExpressionTooCostly: Compiling went over the budget.
            InvalidConditions: Fields are not expressions, or values not such as their operators take; each is named by
                its pointer within the list, such as ``/0/value``.
        """
        violations: list[Violation] = []
        compiled = [_compile(at, condition, violations, budget) for at, condition in enumerate(conditions)]
        if violations:
            raise InvalidConditions(violations)
        return cls(logic, tuple(each for each in compiled if each is not None))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions, as they were written."""
        return tuple(compiled.condition for compiled in self._compiled)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._compiled)

    @roomy
    def evaluate(self, scope: Mapping[str, Any], budget: Budget | None = None) -> Outcome:
        """Evaluate every condition, also those that cannot change the outcome any more.

        Without conditions nothing holds the rule back, whatever the logic. What is null or missing, and what has the
        wrong type, meets no operator but the negative ones (see ``automation.engine.expressions.operators``). A
        condition whose expression fails on the values is not met, whatever its operator. All of them share one budget
        of steps.

        Args:
            scope: The variables' values, plain JSON.
            budget: What they may cost; a fresh one when left out.

        Raises:
            ExpressionTooCostly: They went over the budget: there is no outcome then, and the run must fail.
        """
        budget = budget or Budget(size=MAX_SIZE * max(1, self.count))
        results = tuple(_evaluate(at, compiled, scope, budget) for at, compiled in enumerate(self._compiled))
        verdict = all if self.logic is ConditionLogic.AND else any
        return Outcome(not results or verdict(result.met for result in results), results)


def compiled(
    written: Iterable[Mapping[str, Any]], budget: Budget | None = None, logic: ConditionLogic = ConditionLogic.AND
) -> Conditions:
    """Return conditions as the contract has them, ready to be evaluated.

    Args:
        written: Contract components ``Condition``; a null value is none.
        budget: What compiling may cost; anything when left out.
        logic: How they belong together.

    Raises:
        ExpressionTooCostly: Compiling went over the budget.
        InvalidConditions: They can't be; a rule that was accepted by another version may have such.
    """
    conditions = [Condition(each["field"], Operator(each["operator"]), each.get("value")) for each in written]
    return Conditions.compile(conditions, logic, budget)


def _compile(at: int, condition: Condition, violations: list[Violation], budget: Budget | None) -> _Compiled | None:
    """Return a compiled condition; None where it can't be one, and what is wrong with it among the violations."""
    expression = comparison = None
    try:
        (budget or Budget()).step(len(condition.field))
        expression = Expression.compile(condition.field)
    except InvalidExpression as error:
        violations.append(Violation(str(error), pointer=pointer(at, "field")))
    try:
        comparison = Comparison.compile(condition.operator, condition.value, budget)
    except InvalidOperand as error:
        violations.append(Violation(str(error), pointer=pointer(at, "value")))
    return None if expression is None or comparison is None else _Compiled(condition, expression, comparison)


def _evaluate(at: int, compiled: _Compiled, scope: Mapping[str, Any], budget: Budget) -> ConditionResult:
    try:
        judgement = _judge(compiled, scope, budget)
    except ExpressionTooCostly as error:
        raise error.at(f"{_name(compiled.condition)} at /{at}/field") from None
    return ConditionResult(compiled.condition, *judgement)


def _judge(compiled: _Compiled, scope: Mapping[str, Any], budget: Budget) -> Judgement:
    name = _name(compiled.condition)
    try:
        found = compiled.expression.evaluate(scope, budget)
    except ExpressionFailed as error:
        return Judgement(met=False, reason=f"{name}: {error}")
    return compiled.comparison.judge(found, name, budget)


def _name(condition: Condition) -> str:
    """Return the field, the start of it where it is long."""
    return condition.field if len(condition.field) <= 80 else f"{condition.field[:80]}…"  # noqa: PLR2004 - enough to find it
