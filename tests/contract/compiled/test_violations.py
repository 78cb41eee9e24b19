"""The words of violations: what a client may choose from, and nothing that it sent."""

from typing import Any

import jsonschema_rs
import pytest

from automation.contract.compiled.schemas import Schemas, translated
from automation.contract.compiled.violations import of_body
from tests.shipped_contract.shipped import DOCUMENT

SENT = "something that nobody listed"


def message(schema: dict[str, Any]) -> str:
    """Return the only message about what a client sent that a schema does not have."""
    return told(schema, SENT)


def told(schema: dict[str, Any], sent: object) -> str:
    """Return the only message about something that a schema does not have."""
    (violation,) = of_body(jsonschema_rs.Draft4Validator(schema).iter_errors(sent))
    return violation.message


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["active", "inactive", "draft"], "must be one of: active, inactive, draft"),
        (["manual"], "must be manual"),
        (["a", None], "must be one of: a, null"),
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

    (violation,) = of_body(Schemas(DOCUMENT).validator(schema).iter_errors(SENT))

    assert all(str(value) in violation.message for value in schema["enum"])
    assert SENT not in violation.message
    assert len(violation.message) <= 300
