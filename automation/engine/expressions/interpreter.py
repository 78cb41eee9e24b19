"""JMESPath's interpreter within a budget: nothing is built before its cost was subtracted.

A few characters can ask for gigabytes (``join('', [@, @])`` piped thirty times) or for ever (``[@, @][]``). So every
node that is visited is a step, functions pay for the arrays, objects and strings they are given before they run, and
what copies in bulk pays for the copy. JMESPath's comparisons and a few functions are replaced, because they follow
Python where it differs from JSON (``[1] == [true]``, ``to_number('nan')``), or fail (``'a' < 1``).
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import orjson
from jmespath import exceptions, functions, visitor
from jmespath.functions import signature

from automation.engine.expressions.evaluation import Budget, ExpressionFailed
from automation.engine.expressions.values import described, equal, kind, number, plain, text

_CONSTANT_TIME = frozenset({"length", "not_null", "to_array", "to_string", "type"})
"""Functions that do not look into their arguments, or pay for it themselves."""

_LONGEST_ESCAPE = 12
"""Characters that one character becomes when each of its four bytes is percent-encoded."""

_READING_ELEMENTS = frozenset({"join", "max", "min", "sort"})
"""Functions that read or copy every character of an array's strings."""

_json_number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch


class Interpreter(visitor.TreeInterpreter):
    """Evaluates a tree that the grammar has accepted, within a budget."""

    def __init__(self, budget: Budget) -> None:
        super().__init__(visitor.Options(custom_functions=Functions(budget)))
        self._budget = budget

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._budget.step()
        return super().visit(node, *args, **kwargs)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        if node["value"] in {"eq", "ne"}:
            return equal(left, right, self._budget) is (node["value"] == "eq")
        if not is_ordered(left, right):
            return None
        if isinstance(left, str):
            self._budget.grow(min(len(left), len(right)))
        return self.COMPARATOR_FUNC[node["value"]](left, right)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        self._budget.step(len(base))
        flat: list[Any] = []
        for element in base:
            parts = element if isinstance(element, list) else [element]
            self._budget.grow(len(parts))
            flat += parts
        return flat

    def visit_slice(self, node: Any, value: Any) -> Any:
        if isinstance(value, list):
            self._budget.grow(len(range(*slice(*node["children"]).indices(len(value)))))
        return super().visit_slice(node, value)


class Functions(functions.Functions):
    """JMESPath's functions, each paid for before it runs."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        arguments = list(resolved_args)
        if function_name not in _CONSTANT_TIME:
            for argument in arguments:
                self._pay(argument, elements=function_name in _READING_ELEMENTS)
        try:
            result = super().call_function(function_name, arguments)
        except exceptions.JMESPathTypeError as error:
            found = functions.TYPES_MAP.get(error.actual_type, error.actual_type)
            raise ExpressionFailed(f"{function_name}() cannot take {described(found)} there") from None
        except OverflowError:
            raise ExpressionFailed("a number is not finite") from None
        return number(result) if kind(result) == "number" else result

    def _pay(self, argument: Any, *, elements: bool) -> None:
        if isinstance(argument, str):
            self._budget.grow(len(argument))
        elif isinstance(argument, list | dict):
            self._budget.step(len(argument))
            if elements:
                self._budget.grow(sum(len(element) for element in argument if isinstance(element, str)))

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(equal(element, search, self._budget) for element in subject)

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> str:
        self._budget.grow(len(separator) * len(array))
        return separator.join(array)

    @signature({"types": []})
    def _func_to_number(self, argument: Any) -> float | None:
        if isinstance(argument, str):
            return _number_in(argument)
        return argument if kind(argument) == "number" else None

    @signature({"types": []})
    def _func_to_string(self, argument: Any) -> str:
        written = text(plain(argument, self._budget))
        self._budget.grow(len(written))
        return written

    @signature({"types": ["string", "number", "boolean"]})
    def _func_uri_component(self, argument: Any) -> str:
        """Percent-encode everything but RFC 3986's unreserved characters."""
        written = text(argument)
        self._budget.grow(len(written) * _LONGEST_ESCAPE)
        return quote(written, safe="")

    @signature({"types": []})
    def _func_json(self, argument: Any) -> str:
        """Write any value as compact JSON; a string gets its quotes."""
        written = orjson.dumps(plain(argument, self._budget)).decode()
        self._budget.grow(len(written))
        return written

    @signature({"types": ["string"]})
    def _func_base64(self, argument: str) -> str:
        """Encode a string's UTF-8 bytes (RFC 4648, section 4)."""
        self._budget.grow(len(argument) * _LONGEST_ESCAPE)
        return b64encode(argument.encode()).decode()

    def _create_key_func(self, expref: Any, allowed_types: list[str], function_name: str) -> Callable[[Any], Any]:
        """Return what ``sort_by``, ``min_by`` and ``max_by`` compare: numbers alone or strings alone."""
        kinds = set()

        def key(element: Any) -> Any:
            found = expref.visit(expref.expression, element)
            kinds.add(kind(found))
            if len(kinds) > 1 or not kinds <= set(allowed_types):
                raise ExpressionFailed(f"{function_name}() compares numbers alone or strings alone")
            if isinstance(found, str):
                self._budget.grow(len(found))
            return found

        return key


FUNCTIONS: dict[str, Any] = Functions.FUNCTION_TABLE
"""Every function that an expression can call, by name, each with its ``signature``."""


def is_ordered(left: Any, right: Any) -> bool:
    """Tell whether one of two values can come before the other: both are numbers, or both strings."""
    return kind(left) == kind(right) and kind(left) in {"number", "string"}


def _number_in(written: str) -> float | None:
    """Return the JSON number that the string is, or None."""
    if not _json_number(written):
        return None
    try:
        return number(int(written) if written.lstrip("-").isdigit() else float(written))
    except (ValueError, ExpressionFailed):
        return None
