"""Weights of schemas: what each keyword asks and reads of one value, and how much and how far that may be at most."""

from typing import Any

import pytest

from automation.engine.triggers.input_schema import schema_violations
from automation.engine.triggers.schema_outline import outline
from automation.engine.triggers.schema_patterns import MOST_PATTERNS
from automation.engine.triggers.schema_weight import (
    _LOOK_BACK_FACTOR,
    _STEPS,
    MOST,
    Recursive,
    TooHeavy,
    Weight,
    weight,
)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, Weight(1, 0)),
        ({"type": "string"}, Weight(2, 0)),
        ({"enum": [1, [2, 3]]}, Weight(1 + 5, 0)),
        ({"required": ["a", "b"]}, Weight(1 + 3, 0)),
        ({"pattern": "a"}, Weight(2, 1)),
        ({"pattern": "a", "format": "email"}, Weight(3, 2)),
        ({"patternProperties": {"a": {}, "b": {}}}, Weight(3, 2)),
        ({"propertyNames": {"pattern": "a"}}, Weight(2, 1)),
        ({"not": {}}, Weight(2, 0)),
        ({"not": True}, Weight(2, 0)),
        ({"allOf": [{}, {}, {"type": "string"}]}, Weight(4 + 1 + 1 + 2, 0)),
        ({"properties": {"a": {"enum": [1, 2, 3]}, "b": {"pattern": "a"}}}, Weight(5 + 2, 1)),
        ({"items": {"items": {"enum": [1, 2, 3]}}}, Weight(5, 0)),
        ({"items": {"items": {"enum": [1]}}, "contains": {"items": {"enum": [1]}}}, Weight(3 + 3, 0)),
        ({"$defs": {"a": {"enum": [1, 2, 3]}}}, Weight(2, 0)),
        ({"$defs": {"a b": {"enum": [1, 2, 3]}}, "$ref": "#/$defs/a%20b"}, Weight(1 + 1 + 1 + 5, 0)),
        ({"unevaluatedItems": True}, Weight(2 * _LOOK_BACK_FACTOR, 0)),
        (
            {"unevaluatedProperties": {"pattern": "a"}, "format": "email"},
            Weight(3 * _LOOK_BACK_FACTOR, _LOOK_BACK_FACTOR),
        ),
    ],
    ids=str,
)
def test_the_weight_is_that_of_the_level_at_which_most_is_asked(schema: dict[str, Any], expected: Weight) -> None:
    assert weight(outline(schema)) == expected


@pytest.mark.parametrize("around", ["value", "items", "allOf", "ref"])
def test_so_much_may_be_asked_of_one_value_and_no_more(around: str) -> None:
    def asking(count: int) -> dict[str, Any]:
        """Return a schema that asks so much."""
        match around:
            case "items":
                return {"items": {"enum": [1] * (count - 2)}}
            case "allOf":
                return {"allOf": [{"enum": [1] * 98}, {"enum": [1] * (count - 105)}]}
            case "ref":
                return {"$ref": "#/$defs/a", "$defs": {"a": {"enum": [1] * (count - 5)}}}
            case _:
                return {"enum": [1] * (count - 2)}

    assert weight(outline(asking(MOST))).asked == MOST
    with pytest.raises(TooHeavy):
        weight(outline(asking(MOST + 1)))


def a_way(length: int) -> dict[str, Any]:
    """Return a schema from which so many references lead, one after the other."""
    defs = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(length - 2)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{length - 2}": {}}}


def test_a_way_may_be_so_long_and_no_longer() -> None:
    assert weight(outline(a_way(100))).asked > 100
    with pytest.raises(TooHeavy):
        weight(outline(a_way(101)))


def test_what_is_referred_to_twice_is_weighed_once_and_no_circle() -> None:
    steps: list[int] = []
    schema = {"allOf": [{"$ref": "#/$defs/a"}] * 2, "$defs": {"a": {"enum": [1] * 6}}}

    weight(outline(schema), steps.append)

    assert sorted(steps) == [_STEPS, _STEPS, _STEPS + 1, _STEPS + 2]
    with pytest.raises(Recursive):
        weight(outline({"not": {"$ref": "#"}}))


def test_a_schema_may_have_so_many_patterns() -> None:
    assert list(schema_violations({"properties": {f"p{n}": {"pattern": "a"} for n in range(MOST_PATTERNS)}})) == []
