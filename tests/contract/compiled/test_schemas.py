"""OpenAPI 3.0's schemas mean the same when they are JSON Schema, and every format that is known is enforced."""

import socket
from typing import Any

import pytest

from automation.contract.checks.schemas import proven
from automation.contract.compiled.formats import FORMATS
from automation.contract.compiled.schemas import Schemas
from tests.contract.tiny import Json

COMPONENTS = {
    "components": {
        "schemas": {
            "Leaf": {"type": "array", "items": {"$ref": "#/components/schemas/Size"}},
            "Size": {"type": "integer"},
            "Node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/components/schemas/Node"}, "n": {"type": "integer"}},
            },
        }
    }
}
NODE = {"$ref": "#/components/schemas/Node"}
LEAF = {"$ref": "#/components/schemas/Leaf"}


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({"type": "string", "nullable": True}, [None, "a"], [1]),
        ({"type": "string", "nullable": False}, ["a"], [None]),
        ({"type": "string", "nullable": True, "enum": ["a", None]}, [None, "a"], ["b"]),
        ({"type": "string", "nullable": True, "enum": ["a"]}, ["a"], [None]),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": True}, [1.1], [1]),
        ({"type": "number", "maximum": 1, "exclusiveMaximum": False}, [1], [1.1]),
        ({"exclusiveMaximum": True}, [5], []),
        ({"$ref": "#/components/schemas/Node", "nullable": True}, [{}], [None]),
        (NODE, [{"next": {"next": {"n": 1}}}], [{"next": {"next": {"n": "a"}}}]),
        (LEAF, [[1]], [["a"]]),
        ({"type": "array", "items": {"type": "string", "nullable": True}}, [["a", None]], [[1]]),
        (
            {"type": "object", "additionalProperties": {"type": "integer", "nullable": True}},
            [{"a": None}],
            [{"a": "b"}],
        ),
        ({"type": "object", "additionalProperties": False}, [{}], [{"a": 1}]),
        ({"type": "object", "properties": {"nullable": {"type": "string"}}}, [{"nullable": "a"}], [{"nullable": None}]),
        ({"allOf": [{"type": "string", "nullable": True}, {"maxLength": 1}]}, ["a", None], ["ab"]),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, ["a", 1], [None]),
        ({"not": {"type": "string", "nullable": True}}, [1], ["a", None]),
        ({"type": "string", "pattern": "^[a-z]+$"}, ["a"], ["a\n", "A"]),
        ({"type": "integer", "format": "int32"}, [2**31 - 1], [2**31]),
        ({"type": "integer", "format": "int32", "allOf": [{"minimum": 1}]}, [1], [0, 2**31]),
        ({"type": "string", "title": "a", "example": 1, "x-other": 1}, ["a"], [1]),
    ],
)
def test_a_schema_keeps_its_meaning(schema: Json, valid: list[Any], invalid: list[Any]) -> None:
    validator = Schemas(COMPONENTS).validator(schema)

    assert [validator.is_valid(value) for value in valid] == [True] * len(valid)
    assert [validator.is_valid(value) for value in invalid] == [False] * len(invalid)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_takes_its_good_samples_and_refuses_its_bad_ones(name: str) -> None:
    assert FORMATS[name].good
    assert FORMATS[name].bad
    assert proven(FORMATS[name], Schemas({}))


@pytest.mark.parametrize(
    "schema", [{"pattern": "("}, {"format": "nobody-knows"}, {"$ref": "#/components/schemas/Nothing"}]
)
def test_a_schema_that_cannot_be_compiled_is_an_error(schema: Json) -> None:
    with pytest.raises(ValueError, match=r"."):
        Schemas(COMPONENTS).validator(schema)


def test_a_pattern_is_matched_in_linear_time() -> None:
    validator = Schemas({}).validator({"type": "string", "pattern": "^(a+)+$"})

    assert not validator.is_valid("a" * 50_000 + "b")


def test_nothing_is_fetched_for_a_schema() -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        with pytest.raises(ValueError, match="127"):
            Schemas({}).validator({"$ref": f"http://127.0.0.1:{elsewhere.getsockname()[1]}/schema"})
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.parametrize(("name", "bits"), [("int32", 32), ("int64", 64)])
def test_an_integer_has_as_many_bits_as_its_format_says(name: str, bits: int) -> None:
    limit = 2 ** (bits - 1)
    validator = Schemas({}).validator({"type": "integer", "format": name})

    assert [validator.is_valid(value) for value in (-limit - 1, -limit, limit - 1, limit)] == [False, True, True, False]
    (known,) = (each for each in FORMATS.values() if each.name == name)
    assert (known.good, known.bad) == ((-limit, limit - 1), (-limit - 1, limit))
