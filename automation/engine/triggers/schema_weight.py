"""Weight of a JSON Schema: how much is asked of one value, at the most, whatever refers to whatever.

A few references can ask the same thing two to the power of thirty times, and the validator can't be stopped: so what it
will cost is known before.
"""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from automation.contract.document.nodes import nodes
from automation.engine.expressions.pace import Step, uncounted
from automation.engine.triggers.schema_outline import APPLICATORS, Schema, parts

MOST: Final = 10_000
"""What may be asked of one value."""
LONGEST_WAY: Final = 100
"""How many subschemas and references may lead from the whole to one of its parts."""
_SCANS: Final = frozenset({"pattern", "format", "patternProperties", "propertyNames"})
"""Keywords that read a text as a whole."""
_STEPS: Final = 5
"""Tuned: what a subschema costs to weigh, beside what it asks."""
_LOOK_BACK: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_LOOK_BACK_FACTOR: Final = 16
"""Tuned: what it costs more, by measurement, to remember which of a value has been asked about."""


class Weight(NamedTuple):
    """What is asked of a value, and how often each of its characters is read."""

    asked: int
    read: int


class Recursive(Exception):
    """A schema refers to itself, at the place in the message."""


class TooHeavy(Exception):
    """More than ``MOST`` is asked of one value, or the way is too long, by the place in the message."""


def weight(outlined: Mapping[str, Schema], step: Step = uncounted) -> Weight:
    """Return the weight of a schema.

    Args:
        outlined: The schema and its subschemas by their JSON pointers; every reference leads to one of them.
        step: Counts what it costs.

    Raises:
        Recursive: It refers to itself, so that there is no end to it.
        TooHeavy: It asks too much.
    """
    levels = _Weighing(outlined, step).of("")
    return Weight(max(each.asked for each in levels), max(each.read for each in levels))


class _Weighing:
    """Weighs subschemas, each once; a weight has a level for the value, one for what is in it, and so on."""

    def __init__(self, outlined: Mapping[str, Schema], step: Step) -> None:
        self._outlined = outlined
        self._step = step
        self._known: dict[str, tuple[Weight, ...]] = {}
        self._open: set[str] = set()

    def of(self, place: str) -> tuple[Weight, ...]:
        if place in self._known:
            return self._known[place]
        if place in self._open:
            raise Recursive(place)
        if len(self._open) == LONGEST_WAY:
            raise TooHeavy(place)
        self._open.add(place)
        schema, own = self._outlined[place], _own(self._outlined[place])
        self._step(_STEPS + own.asked // 4)
        levels = [own]
        for below, levels_below in self._applied(place, schema):
            added = zip_longest(levels, [Weight(0, 0)] * below + list(levels_below), fillvalue=Weight(0, 0))
            levels = [Weight(one.asked + other.asked, one.read + other.read) for one, other in added]
        if _LOOK_BACK & schema.keys():
            levels = [Weight(each.asked * _LOOK_BACK_FACTOR, each.read * _LOOK_BACK_FACTOR) for each in levels]
        if max(each.asked for each in levels) > MOST:
            raise TooHeavy(place)
        self._open.remove(place)
        self._known[place] = tuple(levels)
        return self._known[place]

    def _applied(self, place: str, schema: Schema) -> list[tuple[int, tuple[Weight, ...]]]:
        found = [(part.levels, self.of(part.place)) for part in parts(schema, place) if part.levels is not None]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found.append((0, self.of(target(reference))))
        return found


def target(reference: str) -> str:
    """Return the JSON pointer of a reference within the same document."""
    return unquote(reference.removeprefix("#"))


def _own(schema: Schema) -> Weight:
    asked = 1 + sum(
        len(value) if keyword in APPLICATORS and isinstance(value, Mapping | list) else sum(1 for _ in nodes(value))
        for keyword, value in schema.items()
    )
    return Weight(asked, sum(_scans(schema[keyword]) for keyword in _SCANS & schema.keys()))


def _scans(value: Any) -> int:
    return len(value) if isinstance(value, Mapping) else 1
