"""Turns validation errors into violations for clients: a place and fixed words; never a client's value."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from automation.contract.compiled.formats import FORMATS
from automation.contract.document.naming import FORM
from automation.contract.document.references import pointer
from automation.domain.errors import InvalidBody, Violation

LIMIT = 20
"""How many violations an answer lists at most."""

LONGEST_POINTER = 200
LONGEST_LIST = 260
"""How many characters an enumeration's values take at most; what doesn't fit is counted."""

_plain = re.compile(r"[A-Za-z][\w.:/-]*", re.ASCII).fullmatch

_Kind = jsonschema_rs.ValidationErrorKind

WORDS: Mapping[str, str] = {
    "additionalProperties": "is not a known member",
    "anyOf": "must have one of the allowed forms",
    "contains": "has too few or too many items of a kind that it must have",
    "falseSchema": "is not allowed here",
    "not": "has a form that is not allowed",
    "oneOf": "must have exactly one of the allowed forms",
    "pattern": "does not have the required form",
    "required": "is required",
    "unevaluatedItems": "has items that are not allowed",
    "unevaluatedProperties": "is not a known member",
    "uniqueItems": "has an item twice",
}

_BOUNDS: Mapping[str, str] = {
    "exclusiveMaximum": "must be less than",
    "exclusiveMinimum": "must be more than",
    "maximum": "must be at most",
    "maxItems": "must have at most",
    "maxLength": "must have at most",
    "maxProperties": "must have at most",
    "minimum": "must be at least",
    "minItems": "must have at least",
    "minLength": "must have at least",
    "minProperties": "must have at least",
}
_COUNTED: Mapping[str, str] = {"Items": "item", "Length": "character", "Properties": "member"}

_TYPES: Mapping[str, str] = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def words(error: jsonschema_rs.ValidationError, schema: object) -> str:
    """Return the fixed words for what a validator found.

    Args:
        error: What it found.
        schema: The JSON Schema that the validator was made of, which may say in words what a form is.
    """
    kind = error.kind
    if isinstance(kind, _Kind.Format | _Kind.Pattern):
        return _form(error, schema)
    if isinstance(kind, _Kind.PropertyNames):
        return f"has a name that {words(kind.error, schema)}"
    if kind.name in _BOUNDS:
        return bound(kind.name, kind.value)
    told = _OF_KIND.get(kind.name)
    return told(kind) if told else WORDS.get(kind.name, "is not as the contract says")


def bound(keyword: str, limit: float) -> str:
    """Return the words for what goes beyond the bound that a keyword of JSON Schema sets."""
    counted = next((noun for end, noun in _COUNTED.items() if keyword.endswith(end)), None)
    number = json.dumps(limit)
    if counted is None:
        return f"{_BOUNDS[keyword]} {number}"
    return f"{_BOUNDS[keyword]} {number} {counted if number == '1' else counted + 's'}"


def _form(error: jsonschema_rs.ValidationError, schema: object) -> str:
    """Return what a text must be: in the schema's own words, where it has some, or by its format."""
    form = _beside(error, schema).get(FORM)
    if isinstance(form, str):
        return f"must be {form}"
    if isinstance(error.kind, _Kind.Format):
        known = FORMATS.get(error.kind.format)
        return known.words if known else "does not have the required format"
    return WORDS["pattern"]


def _beside(error: jsonschema_rs.ValidationError, schema: object) -> Mapping[str, Any]:
    """Return the part of a schema whose keyword an error is about; nothing where it isn't found."""
    node = schema
    for part in error.schema_path[:-1]:
        if isinstance(node, Mapping):
            node = node.get(str(part))
        elif isinstance(node, list) and isinstance(part, int):
            node = node[part]
    return node if isinstance(node, Mapping) else {}


def choice(options: Sequence[Any]) -> str:
    """Return which values there are to choose from: the contract's own, as JSON where a bare word could be misread."""
    bare = all(map(_is_bare, options))
    named: list[str] = []
    for value in options:
        text = str(value) if bare and isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if sum(map(len, named)) + 2 * len(named) + len(text) > LONGEST_LIST:
            break
        named.append(text)
    rest = len(options) - len(named)
    if not named:
        return f"must be one of {rest} values, which the contract lists"
    listed = ", ".join(named) + (f" and {rest} more" if rest else "")
    return f"must be {listed}" if len(options) == 1 else f"must be one of: {listed}"


def _is_bare(value: object) -> bool:
    """Say whether a value can be told from others without quotes; what isn't text has none in any case."""
    return not isinstance(value, str) or (_plain(value) is not None and value not in {"null", "true", "false"})


def _one_of_types(types: Iterable[str]) -> str:
    """Return which types of JSON there are to choose from."""
    return f"must be {' or '.join(_TYPES.get(name, name) for name in sorted(types, key=list(_TYPES).index))}"


def _one_of_members(branches: Sequence[Sequence[jsonschema_rs.ValidationError]]) -> str | None:
    """Return which members there are to choose from, None where a choice is another one than that."""
    names = []
    for branch in branches:
        kinds = [error.kind for error in branch]
        if len(kinds) != 1 or not isinstance(kinds[0], _Kind.Required):
            return None
        names.append(kinds[0].property)
    return f"must have exactly one of the members {', '.join(names)}"


def _of_not(kind: Any) -> str:
    own = kind.schema.get("description") if isinstance(kind.schema, dict) else None
    return str(own or WORDS["not"])


def _of_one(kind: Any) -> str:
    named = _one_of_members(kind.context) if isinstance(kind, _Kind.OneOfNotValid) else None
    return named or WORDS["oneOf"]


_OF_KIND: Mapping[str, Callable[[Any], str]] = {
    "const": lambda kind: choice([kind.expected_value]),
    "enum": lambda kind: choice(kind.options),
    "multipleOf": lambda kind: f"must be a multiple of {json.dumps(kind.multiple_of)}",
    "not": _of_not,
    "oneOf": _of_one,
    "type": lambda kind: _one_of_types(kind.types),
}
"""What is said of a keyword beside its name: which values, types or members there are."""


def places(error: jsonschema_rs.ValidationError) -> tuple[str, ...]:
    """Return the JSON pointers of what an error is about: a missing, unknown or misnamed member's own."""
    path, kind = error.instance_path, error.kind
    if isinstance(kind, _Kind.Required):
        return (pointer(*path, kind.property),)
    if isinstance(kind, _Kind.AdditionalProperties | _Kind.UnevaluatedProperties):
        return tuple(pointer(*path, name) for name in kind.unexpected)
    if isinstance(kind, _Kind.PropertyNames):
        return (pointer(*path, str(kind.error.instance)),)
    return (pointer(*path),)


def of_body(errors: Iterable[jsonschema_rs.ValidationError], schema: object) -> tuple[Violation, ...]:
    """Return what is wrong with a body, each with a pointer into it, at most ``LIMIT`` of them.

    Args:
        errors: What a validator found.
        schema: The JSON Schema that it was made of.
    """
    found: dict[Violation, None] = {}
    for violation in _each(errors, schema):
        found[violation] = None
        if len(found) == LIMIT:
            break
    return tuple(found)


def of_whole(detail: str, message: str) -> InvalidBody:
    """Return the error of a body with which something is wrong that has no place in it."""
    return InvalidBody(detail, violations=[Violation(message, pointer="")])


def _each(errors: Iterable[jsonschema_rs.ValidationError], schema: object) -> Iterator[Violation]:
    for error in errors:
        for place in places(error):
            yield Violation(words(error, schema), pointer=bounded(place))


def bounded(place: str) -> str:
    """Return the pointer, or the nearest one around it that isn't too long: its names are the client's."""
    while len(place) > LONGEST_POINTER:
        place = place.rpartition("/")[0]
    return place
