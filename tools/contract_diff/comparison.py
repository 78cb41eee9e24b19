"""Compares two contracts: all that specshift finds, and what our own rules add to it."""

from collections.abc import Iterator
from typing import Any

from automation.contract.document.outline import Entry
from tools.contract_diff import operations, pinned_tool, responses, schemas
from tools.contract_diff.changes import Change, Place
from tools.contract_diff.contracts import Contract, Part
from tools.contract_diff.pairs import pairs

Found = tuple[tuple[str, ...], str, str]
"""What is wrong in a schema: the way to it, the rule, the message."""


def compare(old: Contract, new: Contract) -> list[Change]:
    """Return every change from an old contract to a new one.

    Where our rules find something in a part of an operation, specshift isn't heard calling it compatible.
    """
    own = list(own_changes(old, new))
    places = {change.place for change in own if change.place.part}
    pinned = pinned_tool.changes(old, new)
    return [*(change for change in pinned if change.breaking or change.place not in places), *own]


def own_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield the breaking changes that specshift misses."""
    known_codes = responses.codes(new)
    parts = _Parts(old, new)
    for key, before in old.operations.items():
        if (after := new.operations.get(key)) is not None:
            found = [
                *_by_table(before, after),
                *(("security", *each) for each in operations.requirements((old, before), (new, after))),
                *(("problem-code", *each) for each in responses.lost_codes(before, after, known_codes)),
            ]
            yield from (Change(Place(before.name, part), what, rule) for rule, part, what in found)
            yield from parts.changes(before, after)


def _by_table(old: Entry, new: Entry) -> Iterator[tuple[str, str, str]]:
    for name, rule in {**operations.RULES, **responses.RULES}.items():
        yield from ((name, part, what) for part, what in rule(old, new))


class _Parts:
    """Compares the parts of operations by their schemas; those that many of them share are looked at once."""

    def __init__(self, old: Contract, new: Contract) -> None:
        self._contracts = old, new
        self._found: dict[tuple[Any, ...], list[Found]] = {}

    def changes(self, before: Entry, after: Entry) -> Iterator[Change]:
        old, new = self._contracts
        remaining = new.parts[after.name]
        for name, part in old.parts[before.name].items():
            if name in remaining:
                for steps, rule, what in self._in_part(part, remaining[name]):
                    yield Change(Place(before.name, name, steps), what, rule)

    def _in_part(self, old: Part, new: Part) -> list[Found]:
        key = old.kind, old.direction, repr(old.schema), repr(new.schema)
        if key not in self._found:
            self._found[key] = [
                (pair.steps, rule, what)
                for pair in pairs(old, new, self._contracts)
                for rule, what in schemas.findings(pair, old.kind)
            ]
        return self._found[key]
