"""An input schema: what it may be, what it costs at the most, and what it says of what it is asked of."""

import time
from typing import Any
from uuid import uuid4

import pytest

from automation.domain.errors import InvalidInput
from automation.engine.triggers.input_schema import (
    DEEPEST,
    LONGEST,
    MAX_COST,
    MOST_PATTERNS,
    InputSchema,
    InputSchemas,
    schema_violations,
)
from tests.engine.triggers.schemas import ORDER


def found(schema: Any) -> list[tuple[str | None, str]]:
    """Return what is wrong with a schema as it is written."""
    return [(each.pointer, each.message) for each in schema_violations(schema)]


def refused(schema: Any, data: Any) -> list[tuple[str | None, str]]:
    """Return what a schema says of data, nothing where it takes them."""
    try:
        InputSchema(schema).require(data)
    except InvalidInput as error:
        return [(each.pointer, each.message) for each in error.violations]
    return []


def doubling(times: int) -> dict[str, Any]:
    """Return a schema that asks the same thing two to the power of so many times."""
    defs = {f"d{number}": {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}] * 2} for number in range(times)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{times}": {"type": "object"}}}


def test_a_schema_that_is_right_is_taken_and_so_is_what_it_describes() -> None:
    assert found(ORDER) == []
    assert refused(ORDER, {"total": 1.5, "items": [{"sku": "LAMP-OAK"}], "mail": "ada@example.com"}) == []


def test_what_is_wrong_is_told_with_pointers_and_without_the_values() -> None:
    data = {"total": -1, "items": [{"sku": "LAMP"}, {}], "mail": "nobody", "more": 1}

    assert sorted(refused(ORDER, data)) == [
        ("/trigger_data/items/1/sku", "is required"),
        ("/trigger_data/mail", "must be an email address"),
        ("/trigger_data/more", "is not a known member"),
        ("/trigger_data/total", "must be at least 0"),
    ]


@pytest.mark.parametrize(
    ("schema", "pointer", "words"),
    [
        ({"type": "objekt"}, "/type", "is not what JSON Schema 2020-12 has here"),
        ({"properties": {"a": 1}}, "/properties/a", "is not what JSON Schema 2020-12 has here"),
        ({"patternProperties": 7}, "/patternProperties", "is not what JSON Schema 2020-12 has here"),
        ({"properties": {"a": {"pattern": "(?=a)b"}}}, "/properties/a/pattern", "is no regular expression"),
        ({"pattern": "(a)\\1"}, "/pattern", "is no regular expression"),
        ({"pattern": "((a{1,99}){1,99}){1,99}"}, "/pattern", "or is too large"),
        ({"items": {"$ref": "https://example.com/schema"}}, "/items/$ref", "refers to no schema within this one"),
        ({"$ref": "//example.com/schema"}, "/$ref", "refers to no schema within this one"),
        ({"$ref": "file:///etc/passwd"}, "/$ref", "refers to no schema within this one"),
        ({"$ref": "#/$defs/nobody"}, "/$ref", "refers to no schema within this one"),
        ({"$ref": 1}, "/$ref", "refers to no schema within this one"),
        ({"$ref": "#"}, "", "refers to itself"),
        ({"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}, "/$defs/n", "refers to itself"),
        ({"$id": "https://example.com/"}, "/$id", "is not supported here"),
        ({"items": {"$anchor": "here"}}, "/items/$anchor", "is not supported here"),
        ({"items": {"$dynamicRef": "#here"}}, "/items/$dynamicRef", "is not supported here"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema", "is another dialect"),
        ({"not": {"$schema": ORDER["$schema"]}}, "/not/$schema", "stands at the top of a schema alone"),
        ({"description": "x" * LONGEST}, "", "has more than 32768 bytes"),
        ({"properties": {f"p{n}": {"pattern": "a"} for n in range(MOST_PATTERNS + 1)}}, "", "more than 50 patterns"),
        ({"patternProperties": {f"p{n}": {} for n in range(MOST_PATTERNS + 1)}}, "", "more than 50 patterns"),
    ],
)
def test_a_schema_that_could_not_be_asked_is_refused(schema: Any, pointer: str, words: str) -> None:
    ((place, message),) = found(schema)

    assert (place, words in message) == (pointer, True), message


def test_a_schema_may_be_nested_so_deep_and_no_deeper() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {} if levels == 1 else {"not": nested(levels - 1)}

    assert found(nested(DEEPEST)) == []
    assert found(nested(DEEPEST + 1)) == [("", "is nested deeper than 32 levels")]


@pytest.mark.parametrize(
    "schema",
    [
        doubling(40),
        {"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(1_000)} | {"d1000": {}}, "$ref": "#/$defs/d0"},
        {"properties": {"a": {"enum": [1] * 15_000}}},
        {"unevaluatedProperties": {"unevaluatedProperties": {"unevaluatedProperties": {"unevaluatedItems": {}}}}},
    ],
    ids=["doubled", "a long way", "many values", "looking back"],
)
def test_a_schema_that_asks_too_much_of_one_value_is_refused_at_once(schema: dict[str, Any]) -> None:
    began = time.process_time()

    ((_, message),) = found(schema)

    assert "asks more than 10000 things of one value" in message
    assert time.process_time() - began < 1


def test_references_are_no_matter_as_long_as_all_together_ask_little() -> None:
    assert found(doubling(8)) == []


def test_data_that_would_take_too_long_are_refused_before_they_are_looked_at() -> None:
    schema = {"properties": {"a": {"items": {"allOf": [{"minimum": number} for number in range(100)]}}}}

    assert refused(schema, {"a": [1] * (MAX_COST // 100)}) == [
        ("/trigger_data", "is too large to be checked by the rule's input_schema")
    ]
    assert refused(schema, {"a": [100] * 1_000}) == []


def test_a_pattern_on_a_long_text_takes_linear_time() -> None:
    began = time.process_time()

    assert refused({"properties": {"a": {"pattern": "^(a*)*$"}}}, {"a": "a" * 500_000 + "b"}) == [
        ("/trigger_data/a", "does not have the required form")
    ]
    assert time.process_time() - began < 1


def test_of_much_that_is_wrong_the_first_is_told_and_no_time_lost_with_the_others() -> None:
    schema = {"properties": {"a": {"items": {"allOf": [{"minimum": 1}] * 20}}}}
    began = time.process_time()

    assert refused(schema, {"a": [0] * 10_000}) == [("/trigger_data/a/0", "must be at least 1")]
    assert time.process_time() - began < 1


def test_a_version_is_compiled_once_and_a_long_time_not_asked_for_forgotten() -> None:
    schemas, tenant, rule = InputSchemas(), uuid4(), uuid4()
    schemas.require(tenant, rule, 1, {"required": ["a"]}, {"a": 1})

    schemas.require(tenant, rule, 1, {"required": ["b"]}, {"a": 1})  # a version never says something else
    with pytest.raises(InvalidInput):
        schemas.require(tenant, rule, 2, {"required": ["b"]}, {"a": 1})
    with pytest.raises(InvalidInput):
        schemas.require(uuid4(), rule, 1, {"required": ["b"]}, {"a": 1})
    for version in range(3, 200):
        schemas.require(tenant, rule, version, {}, {})
    with pytest.raises(InvalidInput):
        schemas.require(tenant, rule, 1, {"required": ["b"]}, {"a": 1})


def test_without_a_schema_anything_is_taken() -> None:
    InputSchemas().require(uuid4(), uuid4(), 1, None, {"a": [[[]]]})
