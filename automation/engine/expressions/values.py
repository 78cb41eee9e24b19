"""JSON values as expressions see them: what counts as one, when two are equal, and how one is written as text.

Everything here pays as it goes, because expressions build values in which one part stands in many places: small in
memory, and exponentially large for whoever walks or writes them.
"""

import math
from collections.abc import Callable
from types import NoneType
from typing import Any

import orjson

from automation.engine.expressions.evaluation import Budget, ExpressionFailed, ExpressionTooCostly

MAX_DEPTH = 100
"""Levels of arrays and objects in a value: far more than data has, far fewer than Python can recurse."""

_KINDS = {
    NoneType: "null",
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "number",
    list: "array",
    str: "string",
}

_INTEGERS = range(-(1 << 63), 1 << 64)


def kind(value: Any) -> str:
    """Return the name of a value's JSON type.

    Raises:
        TypeError: It is not plain JSON: whoever made the scope has put something else into it.
    """
    try:
        return _KINDS[type(value)]
    except KeyError:
        raise TypeError(f"{type(value).__name__} is not JSON") from None


def described(type_name: str) -> str:
    """Return the name of a JSON type with its article: "a string", "an array", "null"."""
    if type_name == "null":
        return type_name
    return f"{'an' if type_name in {'array', 'object'} else 'a'} {type_name}"


def number(value: float) -> float:
    """Return the number as JSON readers here take it: an integer beyond 64 bits becomes a float.

    Raises:
        ExpressionFailed: It is not finite, or too large to be.
    """
    if isinstance(value, int) and value in _INTEGERS:
        return value
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if math.isfinite(value):
        return value
    raise ExpressionFailed("a number is not finite")


def plain(value: Any, budget: Budget, depth: int = 0) -> Any:
    """Return a copy that shares nothing with the original.

    Raises:
        ExpressionFailed: A number is not finite.
        ExpressionTooCostly: It is too large, or nests deeper than ``MAX_DEPTH``.
        TypeError: It is not plain JSON.
    """
    budget.step()
    match kind(value):
        case "array":
            deeper = _deeper(depth)
            return [plain(element, budget, deeper) for element in value]
        case "object":
            deeper = _deeper(depth)
            budget.grow(sum(map(len, value)))
            return {key: plain(member, budget, deeper) for key, member in value.items()}
        case "string":
            budget.grow(len(value))
        case "number":
            return number(value)
    return value


def equal(left: Any, right: Any, budget: Budget, depth: int = 0) -> bool:
    """Return whether two values are the same JSON: 1 and 1.0 are, 1 and true are not, at any depth.

    Raises:
        ExpressionTooCostly: They are too large to compare, or nest deeper than ``MAX_DEPTH``.
    """
    budget.step()
    if (kind_of_both := kind(left)) != kind(right):
        return False
    compare = _COMPARISONS.get(kind_of_both)
    return compare(left, right, budget, depth) if compare else bool(left == right)


def _equal_texts(left: str, right: str, budget: Budget, _depth: int) -> bool:
    if len(left) != len(right):
        return False
    budget.grow(len(left))
    return left == right


def _equal_arrays(left: list[Any], right: list[Any], budget: Budget, depth: int) -> bool:
    deeper = _deeper(depth)
    return len(left) == len(right) and all(
        equal(one, other, budget, deeper) for one, other in zip(left, right, strict=True)
    )


def _equal_objects(left: dict[str, Any], right: dict[str, Any], budget: Budget, depth: int) -> bool:
    deeper = _deeper(depth)
    return len(left) == len(right) and all(
        key in right and equal(member, right[key], budget, deeper) for key, member in left.items()
    )


_COMPARISONS: dict[str, Callable[[Any, Any, Budget, int], bool]] = {
    "array": _equal_arrays,
    "object": _equal_objects,
    "string": _equal_texts,
}


def text(value: Any) -> str:
    """Return a string as it is, and any other ``plain`` value as compact JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _deeper(depth: int) -> int:
    if depth == MAX_DEPTH:
        raise ExpressionTooCostly(f"a value nests deeper than {MAX_DEPTH} levels")
    return depth + 1
