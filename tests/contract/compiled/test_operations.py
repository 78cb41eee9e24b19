"""Operations as they are compiled: what is said of a body where the contract says it, and which headers are taken."""

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.operations import Operation
from tests.contract.tiny import STRING, Json, contract, operation, parameter, writing


def compiled(described: Json, operation_id: str) -> Operation:
    return Contract(contract({"/thing": {"put": described}})).operations[operation_id]


@pytest.mark.parametrize(("said", "required"), [({"required": True}, True), ({"required": False}, False), ({}, False)])
@pytest.mark.parametrize("raw", [{}, {"x-raw-body": ["application/json"]}])
def test_a_body_is_required_only_where_that_is_said(said: Json, required: bool, raw: Json) -> None:
    described = writing("putThing", {"type": "object"}, **raw)
    described["requestBody"] = {"content": described["requestBody"]["content"], **said}

    body = compiled(described, "putThing").body

    assert body is not None
    assert body.required is required


@pytest.mark.parametrize(("said", "hidden"), [({"writeOnly": True}, True), ({"writeOnly": False}, False), ({}, False)])
def test_a_body_has_a_secret_only_where_that_is_said(said: Json, hidden: bool) -> None:
    schema = {"type": "object", "properties": {"value": {**STRING, **said}, "name": STRING}}
    bodies = [
        compiled(writing("putThing", schema), "putThing").body,
        compiled(writing("putThing", schema, **{"x-raw-body": ["application/json"]}), "putThing").body,
    ]

    assert [body.write_only for body in bodies if body is not None] == [hidden, False]


def test_what_is_no_header_takes_no_precondition() -> None:
    parameters = [parameter("If-Match", "header", STRING), parameter("if-none-match", "query", STRING)]

    assert compiled(operation(parameters=parameters), "getThing").refused_preconditions == {"if-none-match"}


def test_its_place_is_its_method_and_its_path() -> None:
    assert compiled(operation(), "getThing").where == "PUT /thing"
