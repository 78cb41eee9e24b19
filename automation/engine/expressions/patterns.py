"""Regular expressions that tenants write: RE2's dialect, so that no pattern can take exponential time.

RE2 is linear in the text, with a factor: when its automaton does not fit into memory it takes about 2.5 ns for each
byte and instruction, which is 20 s for 1 MiB and the largest pattern. So a search is paid for by that product.
"""

from typing import Any, Self

import re2

from automation.engine.expressions.evaluation import Budget, EvaluationError

MAX_LENGTH = 512
"""Characters in a pattern."""

MAX_MEMORY = 512 * 1024
"""Bytes that a pattern and its search may take; ``re2`` keeps the latest 128 patterns, at most 64 MiB together."""

MAX_UNICODE_CLASSES = 5
r"""How often a pattern names a class of Unicode characters (``\p``, ``\P``): each takes up to half a millisecond."""

PATTERN_STEPS = 1_000
"""Steps that compiling a pattern takes: some 2 ms at most."""

_WORK_PER_STEP = 400
"""Bytes times instructions that RE2 does, at its slowest, in the time of one step of the budget (1 µs)."""


class InvalidPattern(EvaluationError):
    """The pattern is not RE2's, or too large."""


class Pattern:
    """A compiled pattern; made by ``compile``, immutable, usable from several threads."""

    __slots__ = ("_regexp",)

    def __init__(self, regexp: Any) -> None:
        self._regexp = regexp

    @classmethod
    def compile(cls, pattern: str) -> Self:
        r"""Compile a pattern in RE2's dialect: no look-around, no backreferences; ``\d``, ``\w``, ``\s`` are ASCII.

        Raises:
            InvalidPattern: It has more than 512 characters, needs too much memory, names more than 5 Unicode
                classes, or is not of the dialect.
        """
        if len(pattern) > MAX_LENGTH:
            raise InvalidPattern(f"a pattern has at most {MAX_LENGTH} characters")
        if pattern.count("\\p") + pattern.count("\\P") > MAX_UNICODE_CLASSES:
            raise InvalidPattern(f"a pattern names at most {MAX_UNICODE_CLASSES} Unicode classes (\\p, \\P)")
        try:
            return cls(re2.compile(pattern, _options()))
        except re2.error as error:
            raise InvalidPattern(f"not a pattern of RE2: {_reason(error)}") from None
        except UnicodeEncodeError:
            raise InvalidPattern("not a pattern of RE2: half of a surrogate pair") from None

    def is_in(self, text: str, budget: Budget) -> bool:
        """Tell whether the pattern matches anywhere in the text; ``^`` and ``$`` anchor it.

        Raises:
            ExpressionTooCostly: The text is too long for this pattern.
        """
        encoded = text.encode()
        budget.step(len(encoded) * self._regexp.programsize // _WORK_PER_STEP)
        return self._regexp.search(encoded) is not None


def _options() -> Any:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.never_capture = True
    return options


def _reason(error: Exception) -> str:
    reason = error.args[0]
    return (reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason))[:100]
