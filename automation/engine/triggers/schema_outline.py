"""Outline of a JSON Schema 2020-12: its subschemas, each with its JSON pointer, and what applies them to what.

It takes whatever was written: what has not the form that a keyword wants is no subschema, and is left to the validator.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from automation.contract.document.references import pointer
from automation.engine.expressions.pace import Step, uncounted

Schema = Mapping[str, Any]

_ONE_IN_PLACE: Final = frozenset({"not", "if", "then", "else"})
_LIST_IN_PLACE: Final = frozenset({"allOf", "anyOf", "oneOf"})
_NAMED_IN_PLACE: Final = frozenset({"dependentSchemas"})
_ONE_BELOW: Final = frozenset(
    {
        *("items", "contains", "additionalProperties", "propertyNames"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
_LIST_BELOW: Final = frozenset({"prefixItems"})
_NAMED_BELOW: Final = frozenset({"properties", "patternProperties"})
_NAMED_ASIDE: Final = frozenset({"$defs", "definitions"})

_ONE: Final = _ONE_IN_PLACE | _ONE_BELOW
_LISTED: Final = _LIST_IN_PLACE | _LIST_BELOW
_NAMED: Final = _NAMED_IN_PLACE | _NAMED_BELOW | _NAMED_ASIDE
_STEPS: Final = 3
"""Tuned: what a subschema costs."""
APPLICATORS: Final = _ONE | _LISTED | _NAMED
"""The keywords that hold subschemas."""
_IN_PLACE: Final = _ONE_IN_PLACE | _LIST_IN_PLACE | _NAMED_IN_PLACE


class Part(NamedTuple):
    """A subschema: where it is, and whether it is asked of the same value as the schema around it.

    ``levels`` is how far below: 0 for the same value, 1 for its members or elements; None where nothing applies it but
    references.
    """

    place: str
    schema: Schema
    levels: int | None


def parts(schema: Schema, place: str = "") -> Iterator[Part]:
    """Yield the subschemas that stand right in a schema; those that are true or false have nothing in them."""
    for keyword in APPLICATORS & schema.keys():
        levels = None if keyword in _NAMED_ASIDE else int(keyword not in _IN_PLACE)
        for path, part in _held(keyword, schema[keyword]):
            if isinstance(part, Mapping):
                yield Part(place + pointer(keyword, *path), part, levels)


def outline(schema: Schema, step: Step = uncounted) -> dict[str, Schema]:
    """Return a schema and all its subschemas, at whatever depth, by their JSON pointers.

    Args:
        schema: The schema.
        step: Counts what it costs.
    """
    found = {"": schema}
    waiting = [("", schema)]
    while waiting:
        place, one = waiting.pop()
        for part in parts(one, place):
            step(_STEPS)
            found[part.place] = part.schema
            waiting.append((part.place, part.schema))
    return found


def rebased(schema: Schema, base: str) -> dict[str, Any]:
    """Return a schema whose references lead to its own parts when it stands at another place of a document.

    Args:
        schema: Its references begin with ``#``.
        base: Where it will stand, a reference such as ``#/components/schemas/Name``.
    """
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "$ref" and isinstance(value, str):
            made[keyword] = base + value.removeprefix("#")
        elif keyword in _ONE:
            made[keyword] = _rebased(value, base)
        elif keyword in _LISTED and isinstance(value, list):
            made[keyword] = [_rebased(each, base) for each in value]
        elif keyword in _NAMED and isinstance(value, Mapping):
            made[keyword] = {name: _rebased(each, base) for name, each in value.items()}
        else:
            made[keyword] = value
    return made


def _rebased(part: Any, base: str) -> Any:
    return rebased(part, base) if isinstance(part, Mapping) else part


def _held(keyword: str, value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if keyword in _ONE:
        yield (), value
    elif keyword in _LISTED and isinstance(value, list):
        yield from (((index,), each) for index, each in enumerate(value))
    elif keyword in _NAMED and isinstance(value, Mapping):
        yield from (((name,), each) for name, each in value.items())
