"""A document that isn't OpenAPI 3.0, or whose parts don't hold together, is found before it is served."""

import copy

import pytest

from tests.contract.sample import GET_POINTER, PROPERTY, Cases, Change, found, get, with_property
from tests.contract.tiny import STRING, Json

CASES: Cases = {
    "version": (lambda d: d.update(openapi="3.1.0"), "#/openapi: must be 3.0.x: Connexion knows no other version 3"),
    "form": (lambda d: get(d).pop("responses"), f'{GET_POINTER}: "responses" is a required property'),
    "unknown field": (
        lambda d: get(d).update(respones={}),
        f"{GET_POINTER}: Additional properties are not allowed ('respones' was unexpected)",
    ),
    "dangling reference": (
        with_property({"$ref": "#/components/schemas/Nothing"}),
        f"{PROPERTY}: its $ref #/components/schemas/Nothing leads nowhere",
    ),
    "circular reference": (
        lambda d: d["components"]["schemas"].update(Thing={"$ref": "#/components/schemas/Thing"}),
        "#/components/schemas/Thing: its $ref #/components/schemas/Thing leads nowhere",
    ),
    "reference out of the document": (
        with_property({"$ref": "https://example.com/schema"}),
        f"{PROPERTY}: its $ref https://example.com/schema does not lead to #/components/schemas",
    ),
    "silenced siblings": (
        with_property({"$ref": "#/components/schemas/Thing", "nullable": True}),
        f"{PROPERTY}: $ref silences what stands beside it: nullable",
    ),
    "orphan": (
        lambda d: d["components"].update(headers={"Unused": {"schema": STRING}}),
        "#/components/headers/Unused: is used by no operation",
    ),
    "no Problem": (
        lambda d: d.update(**_without_problem(d)),
        "#/components/schemas: has no Problem, the schema of every error",
    ),
}


def _without_problem(document: Json) -> Json:
    text = copy.deepcopy(document)
    schemas = text["components"]["schemas"]
    schemas["Trouble"] = schemas.pop("Problem")
    for item in text["paths"].values():
        for described in item.values():
            for response in described["responses"].values() if isinstance(described, dict) else ():
                if "application/problem+json" in response.get("content", {}):
                    response["content"] = {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Trouble"}}
                    }
    return text


@pytest.mark.parametrize(("change", "finding"), CASES.values(), ids=CASES.keys())
def test_a_thing_that_is_wrong_is_found(sound: Json, change: Change, finding: str) -> None:
    change(sound)

    assert finding in found(sound)
