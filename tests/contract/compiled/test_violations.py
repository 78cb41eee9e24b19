"""The words of violations: what a client may choose from, and nothing that it sent."""

from typing import Any

import jsonschema_rs
import pytest

from automation.contract.compiled.schemas import Schemas, translated
from automation.contract.compiled.violations import LONGEST_LIST, choice, of_body
from automation.domain.errors import Violation
from tests.shipped_contract.shipped import DOCUMENT

SENT = "something that nobody listed"


def message(schema: dict[str, Any]) -> str:
    """Return the only message about what a client sent that a schema does not have."""
    return told(schema, SENT)


def told(schema: dict[str, Any], sent: object) -> str:
    """Return the only message about something that a schema does not have."""
    (violation,) = of_body(jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(sent), schema)
    return violation.message


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["active", "inactive", "draft"], "must be one of: active, inactive, draft"),
        (["manual"], "must be manual"),
        (["a", None], "must be one of: a, null"),
        (["created_at", "-created_at"], 'must be one of: "created_at", "-created_at"'),
        ([1, "1", 2.5, True, "true"], 'must be one of: 1, "1", 2.5, true, "true"'),
        (["two words", "", "a,b", "Ä"], 'must be one of: "two words", "", "a,b", "Ä"'),
    ],
)
def test_the_allowed_values_are_named(values: list[object], words: str) -> None:
    assert message({"enum": values}) == words


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ("integer", "must be an integer"),
        (["null", "object"], "must be an object or null"),
        (["boolean", "array"], "must be an array or true or false"),
    ],
)
def test_the_types_are_named(types: str | list[str], words: str) -> None:
    assert message({"type": types}) == words


def test_the_members_of_which_one_must_be_there_are_named() -> None:
    choice = {"oneOf": [{"required": ["cron"]}, {"required": ["every"]}]}
    other = {"oneOf": [{"required": ["cron"]}, {"required": ["every"], "minProperties": 2}]}

    assert told(choice, {}) == "must have exactly one of the members cron, every"
    assert told(choice, {"cron": "", "every": ""}) == "must have exactly one of the allowed forms"
    assert told(other, {}) == "must have exactly one of the allowed forms"


@pytest.mark.parametrize(
    ("schema", "sent", "words"),
    [
        ({"maximum": 100}, 101, "must be at most 100"),
        ({"minimum": 1}, 0, "must be at least 1"),
        ({"exclusiveMaximum": 0.5}, 0.5, "must be less than 0.5"),
        ({"exclusiveMinimum": 0}, 0, "must be more than 0"),
        ({"multipleOf": 0.5}, 0.75, "must be a multiple of 0.5"),
        ({"minLength": 1}, "", "must have at least 1 character"),
        ({"minLength": 2}, "a", "must have at least 2 characters"),
        ({"maxLength": 1}, "ab", "must have at most 1 character"),
        ({"maxLength": 300}, "a" * 301, "must have at most 300 characters"),
        ({"minItems": 1}, [], "must have at least 1 item"),
        ({"minItems": 2}, [7], "must have at least 2 items"),
        ({"maxItems": 0}, [7], "must have at most 0 items"),
        ({"maxItems": 1}, [7, 7], "must have at most 1 item"),
        ({"minProperties": 1}, {}, "must have at least 1 member"),
        ({"maxProperties": 2}, {"a": 7, "b": 7, "c": 7}, "must have at most 2 members"),
        ({"const": "a"}, SENT, "must be a"),
        ({"const": {"a": 1}}, SENT, 'must be {"a": 1}'),
    ],
)
def test_every_bound_is_named(schema: dict[str, Any], sent: object, words: str) -> None:
    assert told(schema, sent) == words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"pattern": "^a$", "x-form": "the letter a"}, "must be the letter a"),
        ({"format": "date", "x-form": "a day"}, "must be a day"),
        ({"pattern": "^a$"}, "does not have the required form"),
        ({"format": "date"}, "must be a date (RFC 3339)"),
        ({"allOf": [{"$ref": "#/$defs/0"}], "$defs": {"0": {"pattern": "^a$", "x-form": "an a"}}}, "must be an a"),
        ({"format": "date", "pattern": "^s", "x-form": 7}, "must be a date (RFC 3339)"),
    ],
)
def test_a_form_is_told_in_the_words_beside_it(schema: dict[str, Any], words: str) -> None:
    assert message(schema) == words


@pytest.mark.parametrize(
    ("lengths", "named", "rest"),
    [
        ([LONGEST_LIST], 1, 0),
        ([LONGEST_LIST + 1], 0, 1),
        ([100, LONGEST_LIST - 102], 2, 0),
        ([100, LONGEST_LIST - 101], 1, 1),
        ([50, 50, LONGEST_LIST - 104], 3, 0),
        ([50, 50, LONGEST_LIST - 103], 2, 1),
    ],
)
def test_what_there_is_to_choose_from_is_named_as_far_as_a_list_may_be_long(
    lengths: list[int], named: int, rest: int
) -> None:
    options = [character * length for character, length in zip("abc", lengths, strict=False)]

    listed = ", ".join(options[:named]) + (f" and {rest} more" if rest else "")
    words = f"must be one of: {listed}" if named else f"must be one of {rest} values, which the contract lists"
    assert choice(options) == (f"must be {options[0]}" if len(options) == named == 1 else words)


def test_a_form_is_found_wherever_it_stands() -> None:
    form = {"type": "string", "pattern": "^a$", "x-form": "an a"}
    schemas = Schemas({"components": {"schemas": {"A": {"properties": {"0": form}}}}})
    schema = {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/A"}]}}

    found = of_body(schemas.validator(schema).iter_errors([{"0": "b"}]), schemas.document(schema))

    assert found == (Violation("must be an a", pointer="/0/0"),)


def test_members_that_are_misnamed_or_left_over_have_their_own_places() -> None:
    named = {"propertyNames": {"pattern": "^[a-z]+$", "x-form": "letters"}}
    closed = {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}

    assert found_in(named, {"Env": 1, "env": 2}) == {"/Env": "has a name that must be letters"}
    assert found_in(closed, {"a": 1, "b/c": 2}) == {"/b~1c": "is not a known member"}


def found_in(schema: dict[str, Any], sent: object) -> dict[str | None, str]:
    """Return the messages about something that a schema does not have, by their places."""
    errors = jsonschema_rs.Draft202012Validator(schema).iter_errors(sent)
    return {each.pointer: each.message for each in of_body(errors, schema)}


def test_what_is_forbidden_is_told_in_the_words_of_the_contract() -> None:
    assert message({"not": {"type": "string"}}) == "has a form that is not allowed"
    assert message(translated({"not": {"type": "string", "description": "is a word"}})) == "is a word"


def test_what_is_too_much_to_read_is_counted() -> None:
    words = message({"enum": [f"value_{number:03}" for number in range(500)]})

    assert words.startswith("must be one of: value_000, value_001, ")
    named = words.count("value_")
    assert words.endswith(f"value_{named - 1:03} and {500 - named} more")
    assert len(words) <= 300


def test_values_of_which_none_can_be_read_are_counted() -> None:
    assert message({"enum": ["a" * 5000, "b" * 5000]}) == "must be one of 2 values, which the contract lists"


@pytest.mark.parametrize(
    "name", [name for name, schema in DOCUMENT["components"]["schemas"].items() if "enum" in schema]
)
def test_every_enumeration_of_the_contract_is_named_whole(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]

    (violation,) = of_body(Schemas(DOCUMENT).validator(schema).iter_errors(SENT), schema)

    assert all(str(value) in violation.message for value in schema["enum"])
    assert SENT not in violation.message
    assert len(violation.message) <= 300
