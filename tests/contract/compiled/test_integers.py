"""A number without a fraction is an integer wherever a schema declares one, however it was written."""

from typing import Any

import pytest

from automation.contract.compiled.integers import integer_converter

INTEGER = {"type": "integer"}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"size": INTEGER, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "value", "converted"),
    [
        (INTEGER, 5.0, 5),
        (INTEGER, 1e3, 1000),
        (INTEGER, -0.0, 0),
        ({"type": ["integer", "null"]}, 5.0, 5),
        ({"type": ["integer", "null"]}, None, None),
        ({"properties": {"a": INTEGER}}, {"a": 5.0, "b": 5.0}, {"a": 5, "b": 5.0}),
        ({"properties": {"a": {}}, "additionalProperties": INTEGER}, {"a": 5.0, "b": 5.0}, {"a": 5.0, "b": 5}),
        ({"items": INTEGER}, [1.0, 2.0], [1, 2]),
        ({"prefixItems": [INTEGER]}, [1.0, 2.0], [1, 2.0]),
        ({"prefixItems": [{}], "items": INTEGER}, [1.0, 2.0], [1.0, 2]),
        ({"allOf": [{}, {"properties": {"a": INTEGER}}]}, {"a": 5.0}, {"a": 5}),
        ({"allOf": [{"properties": {name: INTEGER}} for name in "ab"]}, {"a": 5.0, "b": 6.0}, {"a": 5, "b": 6}),
        ({"anyOf": [{"type": "string"}, INTEGER]}, 5.0, 5),
        ({"oneOf": [INTEGER, {"type": "boolean"}]}, True, True),
        ({"if": {}, "then": {"properties": {"a": INTEGER}}}, {"a": 5.0}, {"a": 5}),
        (TREE, {"size": 1.0, "children": [{"size": 2.0}]}, {"size": 1, "children": [{"size": 2}]}),
        (INTEGER, 1e300, 1e300),
        (INTEGER, 2.0**63, 2.0**63),
        (INTEGER, 2.0**63 - 1024, 2**63 - 1024),
        (INTEGER, 1024 - 2.0**63, 1024 - 2**63),
    ],
)
def test_a_declared_integer_is_one(schema: dict[str, Any], value: Any, converted: Any) -> None:
    convert = integer_converter(schema)

    assert convert is not None
    assert repr(convert(value)) == repr(converted)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "number"},
        {"properties": {"a": {"type": "number"}}, "items": {}, "additionalProperties": False},
        {"enum": [1]},
    ],
)
def test_where_no_integer_is_declared_nothing_is_done(schema: dict[str, Any]) -> None:
    assert integer_converter(schema) is None
