"""Findings of specshift, and the correction of its judgement.

It is given contracts whose shared parts are in place, because it follows no references but those of schemas and doesn't
look at the parameters of paths. Its warnings and errors are then weighed by the policy, which knows who writes what: a
limit that became stricter breaks those who send, not those who receive.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specshift.differ import diff_specs  # type: ignore[import-untyped]  # it ships no types

from automation.contract.document.outline import Entry
from tools.contract_diff.changes import ELEMENT, Change, Direction, Place
from tools.contract_diff.contracts import Contract, Json, parameter_part, status_part

TOO_MILD = re.compile(
    r"Server URL removed"
    r"|Parameter '.*' \(\w+\) has been removed"  # an optional one: unknown parameters are refused, or mean nothing
    r"|Content type '.*' is no longer offered"
    r"|Response '.*' has been removed"  # an error: what it told is told otherwise now, or not at all
    r"|Field '.*' is no longer accepted"
    r"|Field is now read-only"
    r"|Format changed"
    r"|Default value"
)
"""Messages of warnings that are breaking here."""

TOO_STRICT: Mapping[Direction, re.Pattern[str]] = {
    Direction.REQUEST: re.compile(r"Data type changed: 'integer' -> 'number'"),
    Direction.RESPONSE: re.compile(
        r"Data type changed: 'number' -> 'integer'"
        r"|Enum values removed"
        r"|Field no longer accepts null"
        r"|Constraint '"
        r"|A new validation pattern"
    ),
}
"""Messages of errors that are compatible here, by who writes what they are about."""

_parameter = re.compile(r"'(?P<name>[^']+)' \((?P<place>path|query|header|cookie)\)").search
_status = re.compile(r"[Rr]esponse '(?P<status>\w+)' has been").search
_field = re.compile(r"field '(?P<name>.*)'").fullmatch
_about_member = re.compile(r"Field '|New (required )?field ").match
_located_parameter = re.compile(r"parameter '(?P<name>.*)'").fullmatch


@dataclass(frozen=True)
class _Atlas:
    """Both contracts, to find the places that specshift speaks of."""

    old: Contract
    new: Contract

    def name(self, where: str) -> str:
        """Return the name of the operation at ``GET /healthz``, or what was given where there is none."""
        return next((entry.name for entry in self._entries() if entry.where == where), where)

    def names_below(self, path: str) -> list[str]:
        """Return the names of a path's operations."""
        return [entry.name for entry in self._entries() if entry.path == path]

    def part(self, operation: str, part: str) -> str:
        """Return our name of a part, which tells where a parameter is."""
        if not (named := _located_parameter(part)):
            return part
        known = self.old.parts.get(operation) or self.new.parts.get(operation, {})
        return next((each for each in known if each.endswith(f" parameter {named['name']}")), part)

    def _entries(self) -> list[Entry]:
        return list({**self.new.operations, **self.old.operations}.values())


def changes(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield what specshift finds, weighed by the policy."""
    atlas = _Atlas(old, new)
    for found in diff_specs(prepared(old), prepared(new)).sorted_changes():
        for place in _places(found, atlas):
            yield Change(place, str(found.message), f"specshift: {found.category}", breaking=_breaks(found, place))


def prepared(contract: Contract) -> Json:
    """Return the document that specshift is given: each operation holds all that concerns it."""
    paths: dict[str, dict[str, Json]] = {}
    for (path, method), entry in contract.operations.items():
        security = entry.node.get("security", contract.document.get("security", []))
        operation = {**entry.node, "parameters": list(entry.parameters), "security": security}
        paths.setdefault(path, {})[method] = operation
    rest = {key: value for key, value in contract.document.items() if key not in {"paths", "security"}}
    return {**rest, "paths": paths}


def _breaks(found: Any, place: Place) -> bool:
    if found.severity == "breaking":
        return not TOO_STRICT[place.direction].match(found.message)
    return bool(TOO_MILD.match(found.message))


def _places(found: Any, atlas: _Atlas) -> list[Place]:
    """Return where a finding is; one about a whole path is at each of its operations."""
    where, *inner = str(found.location).split(" > ")
    if where.startswith("/"):
        return [Place(name) for name in atlas.names_below(where)]
    operation = atlas.name(where)
    if not inner:
        return [Place(operation, _part_named_in(found.message))]
    part = atlas.part(operation, inner[0].removesuffix(ELEMENT))
    if found.category != "schema":
        return [Place(operation, part)]
    steps = tuple(step for segment in inner for step in _steps(segment))
    # That a member came or went is a change of the object it is in.
    return [Place(operation, part, steps[:-1] if _about_member(found.message) else steps)]


def _part_named_in(message: str) -> str:
    """Return the part that a message about an operation names, empty for none."""
    if named := _parameter(message):
        return parameter_part({"in": named["place"], "name": named["name"]})
    return status_part(named["status"]) if (named := _status(message)) else ""


def _steps(segment: str) -> Iterator[str]:
    outer = segment.rstrip(ELEMENT)
    if named := _field(outer):
        yield named["name"]
    yield from [ELEMENT] * ((len(segment) - len(outer)) // len(ELEMENT))
