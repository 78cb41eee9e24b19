"""An excerpt of a refused value shows what is wrong with it, at the same places, and costs little."""

from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from automation.contract.compiled.excerpts import WIDTH, Excerpts, first_error

RULE: dict[str, Any] = {
    "type": "object",
    "required": ["name", "actions"],
    "properties": {
        "name": {"type": "string"},
        "actions": {"type": "array", "maxItems": 3, "items": {"type": "object", "required": ["type"]}},
    },
    "additionalProperties": False,
}
FREE: dict[str, Any] = {"type": "object", "properties": {"values": {"type": "array", "items": {"type": "integer"}}}}
MANY: dict[str, Any] = {"type": "array", "maxItems": 2 * WIDTH, "items": {"type": "integer"}}


def errors(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    found = Excerpts(schema).errors(Draft202012Validator(schema), value)
    return [(error.kind.name, "/".join(map(str, error.instance_path))) for error in found]


def test_no_more_errors_are_made_than_an_excerpt_has() -> None:
    found = errors(RULE, {"name": 1, "actions": [{}] * 20_000})

    assert len(found) == 2 + WIDTH == 66
    assert {("maxItems", "actions"), ("type", "name"), ("required", f"actions/{WIDTH - 1}")} <= set(found)


def test_members_that_a_schema_names_are_never_missing_from_an_excerpt() -> None:
    found = errors(RULE, {**{f"more{index}": 1 for index in range(5_000)}, "name": "a", "actions": []})

    assert found == [("additionalProperties", "")]


def test_what_a_schema_counts_is_counted_in_an_excerpt_too() -> None:
    assert errors(MANY, ["a"] * (2 * WIDTH))[-1] == ("type", str(2 * WIDTH - 1))
    assert ("maxItems", "") in errors(MANY, [1] * (2 * WIDTH + 1))
    assert len(errors(MANY, ["a"] * 20_000)) == 2 * WIDTH + 2  # one more than may be, and that they are too many


def test_what_an_excerpt_does_not_show_is_told_all_the_same() -> None:
    assert errors(FREE, {"values": [1] * 1_000 + ["a", "b"]}) == [("type", "values/1000")]


@pytest.mark.parametrize("keyword", ["contains", "if", "not", "oneOf", "unevaluatedItems"])
def test_values_of_schemas_that_look_at_everything_are_not_cut(keyword: str) -> None:
    value = list(range(1_000))

    assert Excerpts({"type": "array", keyword: {"items": {}}}).of(value) == value


def test_a_schema_that_forbids_names_together_is_cut() -> None:
    forbidden = {"required": ["name"], "properties": {"name": {"type": "string", "enum": ["a"]}}}

    assert ("not", "") in errors({**RULE, "not": forbidden}, {"name": "a", "actions": [{}] * 20_000})
    assert len(errors({**RULE, "not": forbidden}, {"name": 1, "actions": [{}] * 20_000})) == 2 + WIDTH


def test_the_first_error_of_a_valid_value_is_refused() -> None:
    with pytest.raises(ValueError, match="valid"):
        first_error(Draft202012Validator({}), 1)
