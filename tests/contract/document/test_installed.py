"""The marked union of a document is of what is installed, and what is held to is what all of it has in common."""

import copy
from typing import Any

import pytest

from automation.contract.document.findings import ContractError
from automation.contract.document.installed import MARK, common, faults, filled
from tests.contract.tiny import STRING, Json, contract

SHARED = {
    "type": "object",
    "required": ["type", "config"],
    "properties": {"type": STRING, "config": {"type": "object"}, "note": STRING},
    "additionalProperties": False,
}
UNION = {MARK: "Any", "oneOf": [], "discriminator": {"propertyName": "type", "mapping": {}}}
OPEN = {"type": "object"}


def document(union: Json = UNION, **more: Json) -> Json:
    """Return a document with a marked union."""
    return copy.deepcopy(contract({}, schemas={"One": union, "Any": SHARED, **more}))


def schemas(found: Json) -> dict[str, Any]:
    components: dict[str, Any] = found["components"]["schemas"]
    return components


def test_each_variant_is_what_all_have_in_common_with_its_own_type_and_config() -> None:
    found = schemas(filled(document(), {"wait_for": OPEN}))

    assert found["One"]["oneOf"] == [{"$ref": "#/components/schemas/WaitForAction"}]
    assert found["One"]["discriminator"]["mapping"] == {"wait_for": "#/components/schemas/WaitForAction"}
    members = found["WaitForAction"]["properties"]
    assert members["type"]["enum"] == ["wait_for"]
    assert members["config"] == {"$ref": "#/components/schemas/WaitForConfig"}
    assert members["note"] == STRING
    assert found["WaitForConfig"]["type"] == "object"


def test_those_that_the_document_lists_make_room() -> None:
    first = filled(document(), {"old": OPEN})

    assert schemas(filled(first, {"new": OPEN})).keys() >= {"NewAction", "NewConfig"}
    assert "OldAction" not in schemas(filled(first, {"new": OPEN}))
    assert filled(filled(first, {"new": OPEN}), {"old": OPEN}) == first


def test_no_component_loses_its_name_to_a_variant() -> None:
    taken = {"MailAction": {"type": "string"}, "MailConfig": {"type": "string"}}

    found = schemas(filled(document(**taken), {"mail": OPEN, "mail_": OPEN}))

    assert (found["MailAction"], found["MailConfig"]) == ({"type": "string"}, {"type": "string"})
    assert found["One"]["discriminator"]["mapping"] == {
        "mail": "#/components/schemas/MailAction2",
        "mail_": "#/components/schemas/MailAction3",
    }


def test_what_is_held_to_is_what_all_have_in_common() -> None:
    held_to = schemas(common(filled(document(), {"wait": OPEN})))

    assert held_to["One"] == {"$ref": "#/components/schemas/Any"}


def test_the_document_itself_is_left_alone() -> None:
    whole = document()
    before = copy.deepcopy(whole)

    filled(whole, {"wait": OPEN})
    common(whole)

    assert whole == before


@pytest.mark.parametrize(
    ("union", "said"),
    [
        ({**UNION, MARK: "Nothing"}, f"its {MARK} names no schema of the components"),
        ({**UNION, MARK: "One"}, f"its {MARK} names One, which has not the members type and config"),
        ({MARK: "Any"}, f"has {MARK}, but is no oneOf that is told apart by type"),
    ],
)
def test_a_mark_that_makes_no_sense_is_found(union: Json, said: str) -> None:
    whole = document(union)

    assert [str(each) for each in faults(whole)] == [f"#/components/schemas/One: {said}"]
    with pytest.raises(ContractError):
        filled(whole, {})


def test_without_a_mark_nothing_can_be_filled_in() -> None:
    with pytest.raises(ContractError) as refused:
        filled(document({"type": "string"}), {})

    assert str(refused.value) == f"#/components/schemas: has no schemas with {MARK}; there must be one"
