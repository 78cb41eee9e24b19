"""A schema that says what nobody enforces is found before it is served."""

import pytest

from tests.contract.sample import GET_POINTER, PROPERTY, Cases, Change, found, get, thing, with_property
from tests.contract.tiny import Json

CASES: Cases = {
    "keyword": (
        with_property({"type": "string", "xml": {}}),
        f"{PROPERTY}: its keyword xml is not enforced",
    ),
    "format": (with_property({"type": "string", "format": "byte"}), f"{PROPERTY}: its format byte is not enforced"),
    "format of a type": (
        with_property({"type": "integer", "format": "uuid"}),
        f"{PROPERTY}: its format uuid is for the type string only",
    ),
    "pattern": (
        with_property({"type": "string", "pattern": "("}),
        f"{PROPERTY}: its pattern is not a regular expression that can be matched in linear time",
    ),
    "look-ahead": (
        with_property({"type": "string", "pattern": "(?=a)"}),
        f"{PROPERTY}: its pattern is not a regular expression that can be matched in linear time",
    ),
    "form without pattern": (
        with_property({"type": "string", "x-form": "a name"}),
        f"{PROPERTY}: its x-form stands beside neither a pattern nor a format",
    ),
    "form of a parameter": (
        lambda d: get(d).update({"x-form": "a name"}),
        f"{GET_POINTER}: its x-form stands beside neither a pattern nor a format",
    ),
    **{
        f"form {form!r:.10}": (
            with_property({"type": "string", "pattern": "a", "x-form": form}),
            f"{PROPERTY}: its x-form is no text of one line and at most 150 characters",
        )
        for form in ("", 7, "a\nb", "a" * 151)
    },
    "nullable without type": (
        with_property({"nullable": True}),
        f"{PROPERTY}: is nullable, which means nothing without a type beside it (OpenAPI 3.0.3)",
    ),
    "nullable enum": (
        with_property({"type": "string", "nullable": True, "enum": ["a"]}),
        f"{PROPERTY}: is nullable, but its enum has no null",
    ),
    "array": (with_property({"type": "array"}), f"{PROPERTY}: is an array without items"),
    "required": (
        lambda d: thing(d)["required"].append("name"),
        "#/components/schemas/Thing: requires name, which is not among its properties",
    ),
}


@pytest.mark.parametrize(("change", "finding"), CASES.values(), ids=CASES.keys())
def test_a_thing_that_is_wrong_is_found(sound: Json, change: Change, finding: str) -> None:
    change(sound)

    assert finding in found(sound)
