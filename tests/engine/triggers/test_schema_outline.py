"""Outlines of schemas: every keyword that holds subschemas, in the form that it wants, and no other."""

from typing import Any

import pytest

from automation.engine.triggers.schema_outline import APPLICATORS, Part, outline, parts, rebased

BASE = "#/components/schemas/Name"
REFERRING = {"$ref": "#/$defs/a"}
REBASED = {"$ref": f"{BASE}/$defs/a"}

ONE = {
    **dict.fromkeys(("not", "if", "then", "else"), 0),
    **dict.fromkeys(("items", "contains", "additionalProperties", "propertyNames"), 1),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), 1),
}
LISTED = {"allOf": 0, "anyOf": 0, "oneOf": 0, "prefixItems": 1}
NAMED: dict[str, int | None] = {
    "dependentSchemas": 0,
    "properties": 1,
    "patternProperties": 1,
    "$defs": None,
    "definitions": None,
}


def test_every_keyword_that_holds_subschemas_is_of_one_of_the_forms() -> None:
    assert {*ONE, *LISTED, *NAMED} == APPLICATORS


@pytest.mark.parametrize(("keyword", "levels"), ONE.items())
def test_a_keyword_of_one_subschema(keyword: str, levels: int) -> None:
    assert list(parts({keyword: REFERRING}, "/at")) == [Part(f"/at/{keyword}", REFERRING, levels)]
    assert rebased({keyword: REFERRING}, BASE) == {keyword: REBASED}
    for other in (True, [REFERRING], "a"):
        assert list(parts({keyword: other})) == []
        assert rebased({keyword: other}, BASE) == {keyword: other}


@pytest.mark.parametrize(("keyword", "levels"), LISTED.items())
def test_a_keyword_of_a_list_of_subschemas(keyword: str, levels: int) -> None:
    listed = [REFERRING, True, {}]

    assert list(parts({keyword: listed}, "/at")) == [
        Part(f"/at/{keyword}/0", REFERRING, levels),
        Part(f"/at/{keyword}/2", {}, levels),
    ]
    assert rebased({keyword: listed}, BASE) == {keyword: [REBASED, True, {}]}
    for other in (True, REFERRING, {"a": REFERRING}):
        assert list(parts({keyword: other})) == []
        assert rebased({keyword: other}, BASE) == {keyword: other}


@pytest.mark.parametrize(("keyword", "levels"), NAMED.items())
def test_a_keyword_of_subschemas_by_name(keyword: str, levels: int | None) -> None:
    named = {"a/b": REFERRING, "c": False}

    assert list(parts({keyword: named}, "/at")) == [Part(f"/at/{keyword}/a~1b", REFERRING, levels)]
    assert rebased({keyword: named}, BASE) == {keyword: {"a/b": REBASED, "c": False}}
    for other in (True, [REFERRING]):
        assert list(parts({keyword: other})) == []
        assert rebased({keyword: other}, BASE) == {keyword: other}


@pytest.mark.parametrize("schema", [{"const": REFERRING}, {"enum": [REFERRING]}, {"$ref": 7}, {"default": {"not": {}}}])
def test_what_holds_no_subschema_stays_as_it_is(schema: dict[str, Any]) -> None:
    assert list(parts(schema)) == []
    assert rebased(schema, BASE) == schema


def test_an_outline_has_all_subschemas_at_whatever_depth_and_each_is_paid_for() -> None:
    deepest, steps = {"type": "string"}, list[int]()
    schema = {"properties": {"a": {"items": {"anyOf": [deepest, True]}}}, "not": {}}

    outlined = outline(schema, steps.append)

    assert outlined == {
        "": schema,
        "/properties/a": schema["properties"]["a"],
        "/properties/a/items": {"anyOf": [deepest, True]},
        "/properties/a/items/anyOf/0": deepest,
        "/not": {},
    }
    assert len(steps) == len(outlined) - 1
    assert all(step > 0 for step in steps)
