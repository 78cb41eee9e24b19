"""An example that is not valid, or a link that leads nowhere, is found before it is served."""

import pytest

from tests.contract.sample import (
    EXAMPLE,
    GET_POINTER,
    PARAMETER,
    PROPERTY,
    Cases,
    Change,
    found,
    ok,
    with_parameter,
    with_property,
)
from tests.contract.tiny import UUID_STRING, Json, parameter

CASES: Cases = {
    "schema example": (
        with_property({"type": "integer", "example": "a"}),
        f"{PROPERTY}/example: is not valid: it must be an integer",
    ),
    "default value": (
        with_property({"type": "integer", "default": "a"}),
        f"{PROPERTY}/default: is not valid: it must be an integer",
    ),
    "parameter example": (
        with_parameter(parameter("X-A", "header", UUID_STRING, example="a")),
        f"{PARAMETER}/example: is not valid: it must be a UUID in its canonical form",
    ),
    "header example": (
        lambda d: ok(d).update(headers={"X-A": {"schema": {"type": "integer"}, "example": "a"}}),
        f"{GET_POINTER}/responses/200/headers/X-A/example: is not valid: it must be an integer",
    ),
    "body example": (
        lambda d: ok(d)["content"]["application/json"]["examples"]["thing"].update(value={}),
        f"{EXAMPLE}: is not valid: /id is required",
    ),
    "external example": (
        lambda d: ok(d)["content"]["application/json"]["examples"].update(thing={"externalValue": "/a"}),
        f"{EXAMPLE}: has no value",
    ),
    "dangling link": (
        lambda d: ok(d)["links"]["self"].update(operationId="getNothing"),
        f"{GET_POINTER}/responses/200/links/self: leads to getNothing, which is not in the contract",
    ),
    "link by reference": (
        lambda d: ok(d)["links"].update(self={"operationRef": "#/paths/~1things~1{id}/get"}),
        f"{GET_POINTER}/responses/200/links/self: names no operationId",
    ),
    "link's parameter": (
        lambda d: ok(d)["links"]["self"]["parameters"].update(other="$url"),
        f"{GET_POINTER}/responses/200/links/self: gives getThing the parameter other, which it doesn't take",
    ),
    "link without parameter": (
        lambda d: ok(d)["links"]["self"].pop("parameters"),
        f"{GET_POINTER}/responses/200/links/self: does not give getThing the parameter id, which it requires",
    ),
    "link's expression": (
        lambda d: ok(d)["links"]["self"]["parameters"].update(id="$response.bdy#/id"),
        f"{GET_POINTER}/responses/200/links/self: its expression for id is not a runtime expression",
    ),
}


@pytest.mark.parametrize(("change", "finding"), CASES.values(), ids=CASES.keys())
def test_a_thing_that_is_wrong_is_found(sound: Json, change: Change, finding: str) -> None:
    change(sound)

    assert finding in found(sound)
