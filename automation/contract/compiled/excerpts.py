"""Cuts invalid values down to a part that shows what is wrong with them.

The validator makes every error before it names the first: an array of 20,000 wrong items holds the interpreter for the
better part of a second. An answer lists a few violations only, and those are found in a part of the value as well.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs

from automation.contract.document.nodes import nodes

WIDTH = 64
"""How many items of an array, and members of an object that the schema doesn't name, are looked at."""

_COUNTED = ("maxItems", "maxProperties", "minItems", "minProperties")
_LOOKS_AT_ALL = frozenset({"contains", "if", "not", "oneOf", "unevaluatedItems"})
"""Keywords that may refuse a part of what they accept."""
_LOOKS_AT_NAMES = frozenset({"description", "enum", "properties", "required", "type"})
"""Keywords that judge an excerpt like the whole."""


class Excerpts:
    """Makes excerpts of values that a JSON Schema has refused.

    Whatever the schema counts or names is in the excerpt: it is never wrong where the value isn't. Places are the same
    in both.

    Args:
        schema: A whole document, with everything that it refers to.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._names = frozenset(_strings(schema))
        self._width = max((WIDTH, *(1 + count for count in _counts(schema))))
        self._cuts = not any(_looks_at_all(node) for node in nodes(schema) if isinstance(node, Mapping))

    def errors(
        self, validator: jsonschema_rs.Draft202012Validator, value: Any
    ) -> Iterator[jsonschema_rs.ValidationError]:
        """Yield what is wrong with an invalid value: what its excerpt shows, or else the first thing in all of it."""
        found = iter(validator.iter_errors(self.of(value)))
        first = next(found, None)
        if first is None:
            yield first_error(validator, value)
            return
        yield first
        yield from found

    def of(self, value: Any) -> Any:
        """Return the excerpt of a value, which shares nothing that could be changed with it."""
        return self._part(value) if self._cuts else value

    def _part(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._part(item) for item in value[: self._width]]
        if not isinstance(value, dict):
            return value
        others = frozenset(islice((name for name in value if name not in self._names), self._width))
        return {name: self._part(member) for name, member in value.items() if name in self._names or name in others}


def first_error(validator: jsonschema_rs.Draft202012Validator, value: Any) -> jsonschema_rs.ValidationError:
    """Return one thing that is wrong with an invalid value, without looking for more.

    Raises:
        ValueError: It is valid.
    """
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return error
    raise ValueError("the value is valid")


def _strings(schema: object) -> Iterator[str]:
    """Yield every string of a schema, and so every name in it."""
    for node in nodes(schema):
        if isinstance(node, str):
            yield node
        elif isinstance(node, Mapping):
            yield from node


def _looks_at_all(schema: Mapping[str, Any]) -> bool:
    """Say whether a keyword of a schema may refuse a part of what it accepts; one that forbids names does not."""
    found = _LOOKS_AT_ALL.intersection(schema)
    return bool(found) and not (found == {"not"} and _looks_at_names(schema["not"]))


def _looks_at_names(schema: object) -> bool:
    return (
        isinstance(schema, Mapping)
        and _LOOKS_AT_NAMES.issuperset(schema)
        and all(_looks_at_names(member) for member in schema.get("properties", {}).values())
    )


def _counts(schema: object) -> Iterator[int]:
    for node in nodes(schema):
        if isinstance(node, Mapping):
            yield from (node[keyword] for keyword in _COUNTED if isinstance(node.get(keyword), int))
