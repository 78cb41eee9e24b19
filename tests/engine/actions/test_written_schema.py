"""Configs as the contract tells of them: never stricter than what judges them, and as close as OpenAPI 3.0 comes."""

from typing import Any

import pytest

from automation.contract.compiled.schemas import KEYWORDS, Schemas
from automation.engine.actions.config_schema import ConfigSchema
from automation.engine.actions.written_schema import written_schema
from tests.shipped_contract.shipped import DOCUMENT

Schema = dict[str, Any]

WHOLE = {"$ref": "#/components/schemas/WholeTemplate"}
PART = {"$ref": "#/components/schemas/Template"}
VALUES: list[Any] = [
    *(None, True, 0, 1, 7, 2.5, 99, "", "a", "GET", "2026-02-28T08:15:30Z", "x" * 20),
    *("${a}", "${a}${b}", "a ${b}", "${a", "$${a}", "${a} ", "${${a}}", "$${a}$", "${a$}", "${$$}"),
    *([], ["a"], ["${a}"], ["a", "a"], [1, "${a}"], [[]]),
    *({}, {"a": 1}, {"a": "${a}"}, {"a": "b ${c}"}, {"b": []}, {"a": 1, "b": "x"}, {"x-a": 1}),
]
SCHEMAS: dict[str, Schema] = {
    "anything": {},
    "text": {"type": "string"},
    "short text": {"type": "string", "minLength": 1, "maxLength": 5},
    "time": {"type": "string", "format": "date-time"},
    "a format that the contract doesn't know": {"type": "string", "format": "duration"},
    "a pattern that looks around": {"type": "string", "pattern": "^(?!a)"},
    "choice": {"enum": ["GET", "POST"]},
    "choice of several types": {"enum": ["GET", 1, None]},
    "constant": {"const": "GET"},
    "number": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
    "integer": {"type": "integer", "minimum": 1, "exclusiveMaximum": 99},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
    "text or null": {"type": ["string", "null"], "maxLength": 3},
    "text or number": {"type": ["string", "number"], "maxLength": 3, "minimum": 5},
    "list": {"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 1, "uniqueItems": True},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
    "object": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
    "closed object": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    "object of texts": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 4}},
    "object by patterns": {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": False},
    "object with a member that is required only": {"type": "object", "required": ["b"], "properties": {"a": {}}},
    "one of two": {"oneOf": [{"type": "string", "maxLength": 2}, {"type": "integer"}]},
    "any of two": {"anyOf": [{"type": "boolean"}, {"const": 7}]},
    "reference": {"$ref": "#/$defs/short"},
    "a reference to itself": {"$ref": "#/$defs/tree"},
    "no": {"not": {"type": "string"}},
    "false": False,  # type: ignore[dict-item]
}
DEFS = {
    "short": {"type": "string", "maxLength": 2},
    "tree": {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree"}},
}


def whole(schema: object) -> Schema:
    """Return the schema of a config with one member of this schema."""
    return {"type": "object", "additionalProperties": False, "properties": {"v": schema}, "$defs": DEFS}


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_the_action_takes_the_contract_takes(name: str) -> None:
    judge = ConfigSchema(whole(SCHEMAS[name]))
    said = Schemas(DOCUMENT).validator(written_schema(whole(SCHEMAS[name])))

    taken = [value for value in VALUES if not judge.faults({"v": value}, written=True)]

    assert [value for value in taken if not said.is_valid({"v": value})] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text", {"type": "string"}),
        ("short text", {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 5}, PART]}),
        ("choice", {"anyOf": [{"type": "string", "enum": ["GET", "POST"]}, PART]}),
        (
            "number",
            {"anyOf": [{"type": "number", "maximum": 10, "minimum": 0}, WHOLE]},
        ),
        ("boolean", {"anyOf": [{"type": "boolean"}, WHOLE]}),
        ("text or null", {"anyOf": [{"type": "string", "maxLength": 3, "nullable": True}, PART]}),
        ("one of two", {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "integer"}, PART]}),
        ("reference", {"anyOf": [{"type": "string", "maxLength": 2}, PART]}),
        ("a format that the contract doesn't know", {"type": "string"}),
        ("no", {}),
    ],
)
def test_it_is_said_in_the_contracts_words(name: str, said: Schema) -> None:
    assert written_schema(whole(SCHEMAS[name]))["properties"]["v"] == said


@pytest.mark.parametrize("name", SCHEMAS)
def test_nothing_is_said_that_the_contract_has_no_word_for(name: str) -> None:
    assert words(written_schema(whole(SCHEMAS[name]))) <= KEYWORDS


def words(schema: Schema) -> set[str]:
    """Return every keyword of a schema."""
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    parts += [schema[each] for each in ("items", "additionalProperties") if isinstance(schema.get(each), dict)]
    return {*schema, *(word for part in parts for word in words(part))}
