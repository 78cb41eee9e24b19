"""Parameters in paths and headers: texts as they were sent, lists in one line, and no precondition that isn't there."""

import httpx
import pytest

from automation.contract.compiled.parameters import UnsupportedParameter, compiled
from automation.contract.compiled.schemas import Schemas
from tests.contract.tiny import STRING, Handlers, Json, contract, operation, parameter

UNPAIRED = "%ED%A0%80"  # a lone surrogate, as no UTF-8 has it


def violations(response: httpx.Response) -> dict[str | None, str]:
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    return {each["at"]: each["message"] for each in response.json()["errors"]}


@pytest.mark.parametrize(
    ("path", "name"), [("a%20b", "a b"), ("%C3%A4", "ä"), ("%EF%BF%BD", "\N{REPLACEMENT CHARACTER}")]
)
async def test_a_text_in_a_path_is_what_was_sent(handlers: Handlers, path: str, name: str) -> None:
    response = await named(handlers).get(f"/things/{path}")

    assert response.json() == name


@pytest.mark.parametrize("path", ["%ff", "a%ff", UNPAIRED, "%EF%BF%BD%ff"])
async def test_a_text_in_a_path_must_be_utf8(handlers: Handlers, path: str) -> None:
    response = await named(handlers).get(f"/things/{path}")

    assert violations(response) == {"name": "must be UTF-8"}


def named(handlers: Handlers) -> httpx.AsyncClient:
    """Serve things that have a name, which they return."""

    async def get_thing(name: str) -> str:
        return name

    described = operation(parameters=[parameter("name", "path", STRING)])
    return handlers.serve(contract({"/things/{name}": {"get": described}}), get_thing)


async def test_a_header_of_many_may_not_come_in_several_lines(handlers: Handlers) -> None:
    async def get_thing(x_marks: list[str] | None) -> list[str] | None:
        return x_marks

    marks = parameter("X-Marks", "header", {"type": "array", "items": STRING})
    served = handlers.serve(contract({"/thing": {"get": operation(parameters=[marks])}}), get_thing)

    taken = await served.get("/thing", headers=[("x-marks", "a, b")])
    refused = await served.get("/thing", headers=[("x-marks", "a"), ("x-marks", "b")])

    assert taken.json() == ["a", "b"]
    assert violations(refused) == {"X-Marks": "is given more than once"}


async def test_a_default_of_a_header_of_many_is_all_of_it(handlers: Handlers) -> None:
    async def get_thing(x_marks: list[str], tags: list[str]) -> list[str]:
        return [*x_marks, *tags]

    many = {"type": "array", "items": STRING, "default": ["a", "b"]}
    described = operation(parameters=[parameter("X-Marks", "header", many), parameter("tags", "query", many)])
    served = handlers.serve(contract({"/thing": {"get": described}}), get_thing)

    assert (await served.get("/thing")).json() == ["a", "b", "a", "b"]


async def test_a_precondition_that_an_operation_does_not_have_is_refused(handlers: Handlers) -> None:
    async def get_thing(if_match: str | None) -> str | None:
        return if_match

    described = operation(parameters=[parameter("If-Match", "header", STRING)])
    served = handlers.serve(contract({"/thing": {"get": described}}), get_thing)

    taken = await served.get("/thing", headers={"if-match": "*"})
    refused = await served.get("/thing", headers={"if-none-match": "*"})

    assert taken.json() == "*"
    assert violations(refused) == {"if-none-match": "is not a precondition of this operation"}


@pytest.mark.parametrize("schema", [{"type": "array", "items": {"type": "object"}}, {}])
def test_what_nothing_decodes_is_not_supported(schema: Json) -> None:
    with pytest.raises(UnsupportedParameter, match="must be string, integer, number, boolean or an array"):
        compiled(parameter("thing", "query", schema), {}, Schemas({}))


async def test_an_unknown_parameter_is_named_as_far_as_a_name_may_be_long(handlers: Handlers) -> None:
    longest, longer = "a" * 64, "a" * 65

    named = await thing(handlers, {"type": "integer"}).get(f"/thing?{longest}=1")
    unnamed = await thing(handlers, {"type": "integer"}).get(f"/thing?{longer}=1")

    assert violations(named) == {longest: "is not a parameter of this operation"}
    assert violations(unnamed) == {None: "the query has a parameter that this operation doesn't have"}


@pytest.mark.parametrize(
    ("schema", "refused"),
    [
        ({"type": "string", "format": "uuid"}, "A"),
        ({"type": "string", "format": "date-time"}, "A"),
        ({"type": "string", "format": "uri"}, "A"),
        ({"type": "string", "format": "date"}, "A"),
        ({"type": "integer", "format": "int32"}, str(2**31)),
        ({"type": "array", "items": {"type": "string", "maxLength": 1}}, "ab"),
    ],
)
async def test_all_that_a_schema_says_of_a_parameter_is_asked(handlers: Handlers, schema: Json, refused: str) -> None:
    response = await thing(handlers, schema).get("/thing", params={"thing": refused})

    assert violations(response).keys() == {"thing"}


def thing(handlers: Handlers, schema: Json) -> httpx.AsyncClient:
    """Serve a thing that has one parameter."""

    async def get_thing(thing: object) -> str:
        return str(thing)

    described = operation(parameters=[parameter("thing", "query", schema)])
    return handlers.serve(contract({"/thing": {"get": described}}), get_thing)
