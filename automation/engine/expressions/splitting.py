"""Splits strings of configs into literal text and the expressions within ``${…}``."""

import re
from collections.abc import Iterator

from automation.engine.expressions.evaluation import InvalidExpression
from automation.engine.expressions.grammar import MAX_LENGTH, QUOTED

_opening = re.compile(r"\$?\$\{")
_boundary = re.compile(rf"{QUOTED}|[{{}}'\"`]", re.DOTALL)


def split(string: str) -> Iterator[tuple[str, bool]]:
    """Split a string into literal text and expressions, each told from the other; no text is empty.

    Raises:
        InvalidExpression: A ``${`` is not closed.
    """
    position = 0
    while match := _opening.search(string, position):
        if literal := string[position : match.start()]:
            yield literal, False
        if match.group() == "$${":
            yield "${", False
            position = match.end()
        else:
            end = _closing(string, match.end())
            yield string[match.end() : end], True
            position = end + 1
    if literal := string[position:]:
        yield literal, False


def _closing(string: str, start: int) -> int:
    """Return the position of the ``}`` that ends the expression from ``start``."""
    depth = 0
    for match in _boundary.finditer(string, start, start + MAX_LENGTH + 1):
        mark = match.group()
        if mark == "}" and depth == 0:
            return match.start()
        if mark in {"'", '"', "`"}:
            raise InvalidExpression(
                f"{shown(string[start:], '')}: a {mark} is not closed within {MAX_LENGTH} characters"
            )
        depth += {"{": 1, "}": -1}.get(mark, 0)
    raise InvalidExpression(f"{shown(string[start:], '')} is not closed within {MAX_LENGTH} characters")


def shown(expression: str, end: str = "}") -> str:
    """Return the expression as it stands in the config, the start of it where it is long."""
    return f"${{{expression}{end}" if len(expression) <= 80 else f"${{{expression[:80]}…"  # noqa: PLR2004 - enough to find it
