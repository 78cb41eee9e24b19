"""Limits and errors that all evaluations of a tenant's expressions share.

::

    EvaluationError
    ├── InvalidExpression         cannot be compiled
    ├── InvalidParts
    │   ├── InvalidTemplate       a config with expressions that cannot be compiled
    │   └── InvalidConditions     conditions that cannot be compiled
    └── EvaluationFailed
        ├── ExpressionFailed      does not fit the values it met
        ├── ExpressionTooCostly   used up its budget
        ├── MisplacedValue        a value that doesn't fit its place in a URL
        ├── MissingSecret         a secret that isn't there, or can't be read
        ├── MissingValue          a ``${…}`` without a value
        └── TemplateTooLarge      a config that grew beyond its limit

The invalid ones are found when a rule is written, the failed ones when it runs. Messages are for the rule's author:
they may quote the rule, never the values it met.
"""

import sys
from collections.abc import Iterable
from typing import Self

from automation.domain.errors import Violation

MAX_STEPS = 40_000
"""Nodes visited and elements looked at by one evaluation: about 0.1 s, which a worker's event loop can miss."""

MAX_SIZE = 1 << 20
"""Elements and characters that one evaluation builds or compares in bulk: a few megabytes, in a few milliseconds."""


class EvaluationError(Exception):
    """The root of the tree; its text is one short sentence for the rule's author."""


class InvalidExpression(EvaluationError):
    """The text is not an expression that can be run."""


class InvalidParts(EvaluationError):
    """Several parts of what was compiled are wrong; never raised itself.

    Args:
        violations: Each part and what is wrong with it; the pointer (RFC 6901) starts at what was compiled.
    """

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{violation.pointer}: {violation.message}" for violation in self.violations))


class InvalidTemplate(InvalidParts):
    """A config holds expressions that cannot be compiled; the pointers start at the config."""


class InvalidConditions(InvalidParts):
    """Conditions cannot be compiled; the pointers start at the list, such as ``/0/value``."""


class EvaluationFailed(EvaluationError):
    """What was compiled cannot be evaluated with these values."""

    def at(self, place: str) -> Self:
        """Return the same error, its text naming the place in the rule where it happened."""
        return type(self)(f"{place}: {self}")


class ExpressionFailed(EvaluationFailed):
    """The values do not fit the expression: a function was given the wrong type, or the result is not JSON."""


class ExpressionTooCostly(EvaluationFailed):
    """The evaluation needs more steps, or builds more, than it may."""


class MisplacedValue(EvaluationFailed):
    """A value would change what the text around it means, and can't be encoded for its place."""


class MissingSecret(EvaluationFailed):
    """A ``${secrets.NAME}`` has no value: there is no such secret, or it can't be decrypted here."""


class MissingValue(EvaluationFailed):
    """A ``${…}`` has no value: it is null, or nothing is there."""


class TemplateTooLarge(EvaluationFailed):
    """A resolved config is larger than it may be."""


class Budget:
    """The steps and size that one evaluation has left; once exceeded, it stays exceeded.

    Steps stand for time, size for memory. The count depends on the expression and the values alone, so the same
    evaluation always ends the same way.
    """

    __slots__ = ("_size", "_steps")

    def __init__(self, *, steps: int = MAX_STEPS, size: int = MAX_SIZE) -> None:
        self._steps = steps
        self._size = size

    @classmethod
    def boundless(cls) -> "Budget":
        """Return the budget of work whose bound was held when its rule was written."""
        return Budget(steps=sys.maxsize, size=sys.maxsize)

    def step(self, count: int = 1) -> None:
        """Pay for steps, before they are taken.

        Raises:
            ExpressionTooCostly: There are not that many left.
        """
        self._steps -= count
        if self._steps < 0:
            raise ExpressionTooCostly("the evaluation takes too many steps")

    def grow(self, size: int) -> None:
        """Pay for elements or characters, before they are built or compared.

        Raises:
            ExpressionTooCostly: It is more than is left.
        """
        self._size -= size
        if self._size < 0:
            raise ExpressionTooCostly("the evaluation builds too large a value")
