"""Operators of conditions: the values that each takes, when it holds, and the reason when it does not.

A value that is null or missing has nothing, equals nothing and is in nothing. The four negative operators are met
exactly where their positive twin is not, so they are met there; every other operator but ``not_exists`` is not. The
same goes for a value of the wrong type.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Self

from automation.engine.expressions.evaluation import Budget, EvaluationError, ExpressionTooCostly
from automation.engine.expressions.interpreter import is_ordered
from automation.engine.expressions.patterns import PATTERN_STEPS, InvalidPattern, Pattern
from automation.engine.expressions.values import described, equal, kind, plain


class Operator(StrEnum):
    """How a condition compares what its field holds with its value (contract component ``ConditionOperator``).

    Equality is JSON's, at any depth: 1 and 1.0 are equal, 1 and true are not. Numbers are ordered with numbers and
    strings with strings, by code point: times in ISO 8601 are in order if they are written alike (same precision, same
    UTC offset). ``contains`` looks for a string in a string or an element in an array. ``regex_match`` searches for an
    RE2 pattern anywhere in a string; ``^`` and ``$`` anchor it.
    """

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    GREATER_THAN = "greater_than"
    LESS_THAN = "less_than"
    GREATER_THAN_OR_EQUAL = "greater_than_or_equal"
    LESS_THAN_OR_EQUAL = "less_than_or_equal"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    IN = "in"
    NOT_IN = "not_in"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"
    REGEX_MATCH = "regex_match"


_POSITIVE: Mapping[Operator, Operator] = {
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.NOT_EQUALS: Operator.EQUALS,
    Operator.NOT_EXISTS: Operator.EXISTS,
    Operator.NOT_IN: Operator.IN,
}

_ORDERING = frozenset(
    {
        Operator.GREATER_THAN,
        Operator.GREATER_THAN_OR_EQUAL,
        Operator.LESS_THAN,
        Operator.LESS_THAN_OR_EQUAL,
    }
)

_OF_STRINGS = frozenset({Operator.ENDS_WITH, Operator.REGEX_MATCH, Operator.STARTS_WITH})

_PHRASES: Mapping[Operator, tuple[str, str]] = {
    Operator.CONTAINS: ("does not contain the value", "contains the value"),
    Operator.ENDS_WITH: ("does not end with the value", "ends with the value"),
    Operator.EQUALS: ("does not equal the value", "equals the value"),
    Operator.EXISTS: ("has no value", "has a value"),
    Operator.GREATER_THAN: ("is not greater than the value", "is greater than the value"),
    Operator.GREATER_THAN_OR_EQUAL: ("is less than the value", "is at least the value"),
    Operator.IN: ("is none of the values", "is one of the values"),
    Operator.LESS_THAN: ("is not less than the value", "is less than the value"),
    Operator.LESS_THAN_OR_EQUAL: ("is greater than the value", "is at most the value"),
    Operator.REGEX_MATCH: ("does not match the pattern", "matches the pattern"),
    Operator.STARTS_WITH: ("does not start with the value", "starts with the value"),
}
"""What can be said of a field where the operator does not hold, and where it does."""


class InvalidOperand(EvaluationError):
    """A condition's value is not one that its operator can be given."""


class Judgement(NamedTuple):
    """Whether a condition is met by a value, and why, without naming the value."""

    met: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operator with the value it compares with; made by ``compile``, immutable."""

    operator: Operator
    operand: Any

    @classmethod
    def compile(cls, operator: Operator, value: Any, budget: Budget | None = None) -> Self:
        """Check the value and make it ready; None stands for none.

        Args:
            operator: How it is compared.
            value: What it is compared with.
            budget: What that may cost; a fresh one when left out.

        Raises:
            InvalidOperand: The operator cannot be given this value.
            ExpressionTooCostly: It went over the budget.
        """
        _check(operator, value)
        try:
            if operator is Operator.REGEX_MATCH:
                (budget or Budget()).step(PATTERN_STEPS)
                return cls(operator, Pattern.compile(value))
            return cls(operator, plain(value, budget or Budget()))
        except InvalidPattern as error:
            raise InvalidOperand(str(error)) from None
        except EvaluationError as error:
            if budget is not None and isinstance(error, ExpressionTooCostly):
                raise
            raise InvalidOperand(f"the value cannot be used: {error}") from None

    def judge(self, found: Any, name: str, budget: Budget) -> Judgement:
        """Compare what was found, called by this name in the reason.

        Raises:
            ExpressionTooCostly: The comparison went over the budget.
        """
        positive = _POSITIVE.get(self.operator, self.operator)
        holds, reason = self._holds(positive, found, name, budget)
        return Judgement(holds is (positive is self.operator), reason)

    def _holds(self, positive: Operator, found: Any, name: str, budget: Budget) -> tuple[bool, str]:
        if found is None:
            return False, f"no value at {name}"
        if mismatch := _mismatch(positive, found, self.operand):
            return False, f"{name} {mismatch}"
        holds = _TESTS[positive](found, self.operand, budget)
        return holds, f"{name} {_PHRASES[positive][holds]}"


def _check(given: Operator, value: Any) -> None:
    positive = _POSITIVE.get(given, given)
    if positive is Operator.EXISTS:
        if value is not None:
            raise InvalidOperand(f"{given} takes no value")
        return
    if value is None:
        raise InvalidOperand(f"{given} needs a value; exists and not_exists ask for null or missing")
    wanted = _wanted(positive)
    if wanted and kind(value) not in wanted:
        raise InvalidOperand(f"{given} needs {' or '.join(map(described, wanted))}, not {described(kind(value))}")


def _wanted(positive: Operator) -> tuple[str, ...]:
    """Return the JSON types that a value may have; none means any."""
    if positive in _ORDERING:
        return ("number", "string")
    if positive in _OF_STRINGS:
        return ("string",)
    return ("array",) if positive is Operator.IN else ()


def _mismatch(positive: Operator, found: Any, operand: Any) -> str | None:
    """Return what is wrong with the types, if anything."""
    type_name = described(kind(found))
    if positive in _ORDERING and not is_ordered(found, operand):
        return f"is {type_name}, the value {described(kind(operand))}: they have no order"
    if positive in _OF_STRINGS and not isinstance(found, str):
        return f"is {type_name}, not a string"
    if positive is Operator.CONTAINS and not isinstance(found, str | list):
        return f"is {type_name}, neither a string nor an array"
    if positive is Operator.CONTAINS and isinstance(found, str) and not isinstance(operand, str):
        return f"is a string, the value {described(kind(operand))}"
    return None


def _contains(found: Any, operand: Any, budget: Budget) -> bool:
    if isinstance(found, str):
        return operand in found
    return any(equal(element, operand, budget) for element in found)


_TESTS: Mapping[Operator, Callable[[Any, Any, Budget], bool]] = {
    Operator.CONTAINS: _contains,
    Operator.ENDS_WITH: lambda found, operand, _: found.endswith(operand),
    Operator.EQUALS: equal,
    Operator.EXISTS: lambda _found, _operand, _budget: True,
    Operator.GREATER_THAN: lambda found, operand, _: operator.gt(found, operand),
    Operator.GREATER_THAN_OR_EQUAL: lambda found, operand, _: operator.ge(found, operand),
    Operator.IN: lambda found, operand, budget: _contains(operand, found, budget),
    Operator.LESS_THAN: lambda found, operand, _: operator.lt(found, operand),
    Operator.LESS_THAN_OR_EQUAL: lambda found, operand, _: operator.le(found, operand),
    Operator.REGEX_MATCH: lambda found, operand, budget: operand.is_in(found, budget),
    Operator.STARTS_WITH: lambda found, operand, _: found.startswith(operand),
}
