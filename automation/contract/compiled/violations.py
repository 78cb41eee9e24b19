"""Turns validation errors into violations for clients: a place and fixed words; never a client's value."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from automation.contract.compiled.formats import FORMATS
from automation.contract.document.references import pointer
from automation.domain.errors import Violation

LIMIT = 20
"""How many violations an answer lists at most."""

LONGEST_POINTER = 200
LONGEST_LIST = 260
"""How many characters an enumeration's values take at most; what doesn't fit is counted."""

_plain = re.compile(r"[A-Za-z][\w.:/-]*", re.ASCII).fullmatch

WORDS: Mapping[str, str] = {
    "additionalProperties": "is not a known member",
    "anyOf": "must have one of the allowed forms",
    "const": "is not the value that it must be",
    "contains": "has too few or too many items of a kind that it must have",
    "exclusiveMaximum": "is too large",
    "exclusiveMinimum": "is too small",
    "falseSchema": "is not allowed here",
    "maximum": "is too large",
    "maxItems": "has too many items",
    "maxLength": "is too long",
    "maxProperties": "has too many members",
    "minimum": "is too small",
    "minItems": "has too few items",
    "minLength": "is too short",
    "minProperties": "has too few members",
    "multipleOf": "is not a multiple of what it must be",
    "not": "has a form that is not allowed",
    "oneOf": "must have exactly one of the allowed forms",
    "pattern": "does not have the required form",
    "propertyNames": "has a member whose name is not allowed",
    "required": "is required",
    "unevaluatedItems": "has items that are not allowed",
    "unevaluatedProperties": "has members that are not allowed",
    "uniqueItems": "has an item twice",
}

_TYPES: Mapping[str, str] = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def words(error: jsonschema_rs.ValidationError) -> str:
    """Return the fixed words for what a validator found."""
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Format):
        known = FORMATS.get(error.kind.format)
        return known.words if known else "does not have the required format"
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Enum):
        return _choice(error.kind.options)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type):
        return _one_of_types(error.kind.types)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.OneOfNotValid):
        return _one_of_members(error.kind.context) or WORDS["oneOf"]
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Not) and isinstance(error.kind.schema, dict):
        return str(error.kind.schema.get("description", WORDS["not"]))
    return WORDS.get(error.kind.name, "is not as the contract says")


def _choice(options: Sequence[Any]) -> str:
    """Return which values there are to choose from: the contract's own, as JSON where a bare word could be misread."""
    named: list[str] = []
    for text in map(_option, options):
        if sum(map(len, named)) + 2 * len(named) + len(text) > LONGEST_LIST:
            break
        named.append(text)
    rest = len(options) - len(named)
    if not named:
        return f"must be one of {rest} values, which the contract lists"
    listed = ", ".join(named) + (f" and {rest} more" if rest else "")
    return f"must be {listed}" if len(options) == 1 else f"must be one of: {listed}"


def _one_of_types(types: Iterable[str]) -> str:
    """Return which types of JSON there are to choose from."""
    return f"must be {' or '.join(_TYPES.get(name, name) for name in sorted(types, key=list(_TYPES).index))}"


def _one_of_members(branches: Sequence[Sequence[jsonschema_rs.ValidationError]]) -> str | None:
    """Return which members there are to choose from, None where a choice is another one than that."""
    names = []
    for branch in branches:
        kinds = [error.kind for error in branch]
        if len(kinds) != 1 or not isinstance(kinds[0], jsonschema_rs.ValidationErrorKind.Required):
            return None
        names.append(kinds[0].property)
    return f"must have exactly one of the members {', '.join(names)}"


def _option(value: object) -> str:
    bare = isinstance(value, str) and _plain(value) and value not in {"null", "true", "false"}
    return str(value) if bare else json.dumps(value, ensure_ascii=False)


def places(error: jsonschema_rs.ValidationError) -> tuple[str, ...]:
    """Return the JSON pointers of what an error is about: a missing or unknown member's own, not its object's."""
    path = error.instance_path
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        return (pointer(*path, error.kind.property),)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return tuple(pointer(*path, name) for name in error.kind.unexpected)
    return (pointer(*path),)


def of_body(errors: Iterable[jsonschema_rs.ValidationError]) -> tuple[Violation, ...]:
    """Return what is wrong with a body, each with a pointer into it, at most ``LIMIT`` of them."""
    found: dict[Violation, None] = {}
    for violation in _each(errors):
        found[violation] = None
        if len(found) == LIMIT:
            break
    return tuple(found)


def _each(errors: Iterable[jsonschema_rs.ValidationError]) -> Iterator[Violation]:
    for error in errors:
        for place in places(error):
            yield Violation(words(error), pointer=bounded(place))


def bounded(place: str) -> str:
    """Return the pointer, or the nearest one around it that isn't too long: its names are the client's."""
    while len(place) > LONGEST_POINTER:
        place = place.rpartition("/")[0]
    return place
