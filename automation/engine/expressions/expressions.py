"""Expressions: JMESPath over the data of a run; tenants write them, so they are not trusted.

The variables are ``trigger`` (the trigger's data), ``context`` (the results of earlier actions), ``rule`` and
``execution``. JMESPath cannot tell null from missing: both are null, and nowhere in a rule do they differ. Dialect and
limits beyond JMESPath's own: an unknown variable or function, a wrong number of arguments and a literal that is not
JSON are refused when the expression is compiled; equality is JSON's; results are JSON, their numbers finite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from automation.engine.expressions.evaluation import Budget
from automation.engine.expressions.grammar import VARIABLES, parse, variables
from automation.engine.expressions.interpreter import Interpreter
from automation.engine.expressions.stack import roomy
from automation.engine.expressions.values import plain


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; made by ``compile``, immutable, usable from several threads."""

    text: str
    _tree: Any = field(repr=False, compare=False)

    @classmethod
    def compile(cls, text: str) -> Self:
        """Compile an expression.

        Raises:
            InvalidExpression: It has more than 512 characters, nests too deeply, or cannot be run whatever the values.
        """
        return cls(text, parse(text))

    @property
    def variables(self) -> frozenset[str]:
        """The variables that it may read."""
        return variables(self._tree)

    @roomy
    def evaluate(self, scope: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """Return the expression's value, a copy that shares nothing with the scope; None where nothing is there.

        Args:
            scope: The variables' values, plain JSON; a variable that is left out is null.
            budget: What it may cost, to be shared by evaluations that belong together; a fresh one when left out.

        Raises:
            ExpressionFailed: The values do not fit it.
            ExpressionTooCostly: It went over the budget.
        """
        budget = budget or Budget()
        values = {name: scope.get(name) for name in VARIABLES}
        return plain(Interpreter(budget).visit(self._tree, values), budget)
