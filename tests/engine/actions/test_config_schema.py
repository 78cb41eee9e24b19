from typing import Any

import pytest

from automation.engine.actions.config_schema import ConfigSchema, UnusableSchema, hidden

TEMPLATE = "${trigger.x}"
PART = "a-${trigger.x}"


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def pointers(of: Any, value: object, *, written: bool = True) -> list[str]:
    return [fault.pointer for fault in ConfigSchema(schema(v=of)).faults({"v": value}, written=written)]


ANY_OF = {"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"n": {"type": "integer"}}}]}
ONE_OF = {"oneOf": [{"properties": {"n": {"type": "integer"}}}, {"properties": {"n": {"type": "boolean"}}}]}


@pytest.mark.parametrize(
    "of",
    [
        {"type": "integer", "minimum": 3},
        {"type": "boolean"},
        {"type": "object", "required": ["a"]},
        {"type": "array", "minItems": 2},
        {"type": "null"},
        {"enum": [1, 2]},
        {"const": {"a": 1}},
        {"type": "string", "maxLength": 3, "pattern": "^[a-z]$", "format": "date"},
        {"not": {"type": "string"}},
        False,
        ANY_OF,
    ],
)
def test_a_single_template_stands_for_any_type_when_written(of: Any) -> None:
    assert pointers(of, TEMPLATE) == []
    assert set(pointers(of, TEMPLATE, written=False)) == {"/v"}


@pytest.mark.parametrize(
    "of",
    [
        {"type": "string", "pattern": "^[a-z]$"},
        {"type": "string", "maxLength": 3},
        {"type": "string", "minLength": 100},
        {"type": "string", "format": "email"},
        {"enum": ["a", "b"]},
        {"const": "a"},
        {"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["a"]}]},
    ],
)
def test_a_string_with_a_template_in_it_is_only_asked_for_its_type(of: Any) -> None:
    assert pointers(of, PART) == []
    assert pointers(of, PART, written=False) == ["/v"]


@pytest.mark.parametrize("of", [{"type": "integer"}, {"type": "object"}, {"anyOf": [{"type": "integer"}, False]}])
def test_a_string_with_a_template_in_it_is_nothing_but_a_string(of: Any) -> None:
    assert pointers(of, PART) == ["/v"]


@pytest.mark.parametrize("text", ["${a}${b}", "${a} ${b}", " ${a}", "${a", "$a", "{a}"])
def test_what_is_not_one_template_is_no_number(text: str) -> None:
    assert pointers({"type": "integer"}, text) == ["/v"]


@pytest.mark.parametrize("of", [ANY_OF, ONE_OF, {"items": {"type": "integer"}}, {"properties": {"n": {"const": 1}}}])
def test_templates_may_stand_deep_inside(of: Any) -> None:
    assert pointers(of, [TEMPLATE] if "items" in of else {"n": TEMPLATE}) == []


def test_templates_may_stand_behind_references() -> None:
    of_tree = {"$defs": {"leaf": {"type": "integer"}}, **schema(v={"$ref": "#/$defs/leaf"})}

    assert ConfigSchema(of_tree).faults({"v": TEMPLATE}, written=True) == []
    assert ConfigSchema(of_tree).faults({"v": "1"}, written=True) != []


def test_a_template_excuses_nothing_beside_it() -> None:
    of = {"type": "object", "required": ["b"], "properties": {"a": {"type": "integer"}}, "additionalProperties": False}

    assert pointers(of, {"a": TEMPLATE, "c": 1}) == ["/v/c", "/v/b"]
    assert pointers({"type": "array", "maxItems": 1}, [TEMPLATE, TEMPLATE]) == ["/v"]


def test_the_name_of_a_property_is_no_template() -> None:
    assert pointers({"propertyNames": {"pattern": "^[a-z]$"}}, {TEMPLATE: 1}) == [f"/v/{TEMPLATE}"]


def test_pointers_are_escaped_and_values_are_not_shown() -> None:
    found = ConfigSchema(schema(**{"a/b~c": {"type": "integer"}})).faults({"a/b~c": "hush"}, written=True)

    assert [fault.pointer for fault in found] == ["/a~1b~0c"]
    assert "hush" not in found[0].message


def test_formats_are_asserted_and_addresses_are_plain() -> None:
    email = {"type": "string", "format": "email"}

    assert pointers(email, "someone@example.com") == []
    for address in ("Name <a@example.com>", "a@example.com\r\nBcc: b@example.com", "a@[127.0.0.1]", "ü@example.com"):
        assert pointers(email, address) == ["/v"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({}, '"type": "object"'),
        ({"type": "object"}, "additionalProperties"),
        ({**schema(), "$schema": "http://json-schema.org/draft-07/schema#"}, "2020-12"),
        (schema(v={"type": "nonsense"}), "invalid"),
        (schema(v={"pattern": "("}), "invalid"),
        (schema(v={"format": "nonsense"}), "invalid"),
        (schema(v={"$ref": "#/$defs/nowhere"}), "invalid"),
        (schema(v={"$ref": "http://127.0.0.1:9/schema"}), "invalid"),
    ],
)
def test_a_schema_that_is_of_no_use_is_refused(broken: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnusableSchema, match=reason) as raised:
        ConfigSchema(broken)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", False),
        ("/a", True),
        ("/a/deeper", True),
        ("/b/0", True),
        ("/b/1", False),
        ("/b/9", False),
        ("/b/x", False),
        ("/c~1d", True),
        ("/nowhere/at/all", False),
    ],
)
def test_what_a_template_hides_is_found_by_its_pointer(pointer: str, expected: bool) -> None:
    assert hidden({"a": TEMPLATE, "b": [PART, "b"], "c/d": PART}, pointer) is expected


def test_a_member_whose_name_is_a_number_is_named_in_its_pointer() -> None:
    assert pointers({"type": "object", "additionalProperties": {"type": "string"}}, {"0": 1}) == ["/v/0"]


def test_what_is_wrong_behind_many_templates_is_found() -> None:
    assert pointers({"type": "array", "items": {"type": "integer"}}, [TEMPLATE] * 100 + ["x"]) == ["/v/100"]
