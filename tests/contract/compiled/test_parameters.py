"""Path, query and header parameters become arguments, or a violation says what is wrong with them."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from tests.contract.tiny import STRING, UUID_STRING, Handlers, Json, contract, operation, parameter

ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
UNPAIRED = "%ED%A0%80"  # a lone surrogate, as no UTF-8 has it

QUERY: dict[str, Json] = {
    "count": {"type": "integer", "minimum": -5},
    "ratio": {"type": "number"},
    "exact": {"type": "boolean"},
    "name": {"type": "string", "maxLength": 5},
    "owner": UUID_STRING,
    "status": {"type": "string", "enum": ["on", "off"]},
    "ids": {"type": "array", "items": {"type": "integer"}, "maxItems": 2},
    "since": {"type": "string", "format": "date-time"},
    "limit": {"type": "integer", "default": 20},
    "from": STRING,
}


@pytest.fixture
def seen() -> list[Json]:
    return []


@pytest.fixture
def things(handlers: Handlers, seen: list[Json]) -> httpx.AsyncClient:
    async def get_thing(  # noqa: PLR0917 - one for each parameter
        id: UUID,
        count: int | None,
        ratio: float | None,
        exact: bool | None,
        name: str | None,
        owner: UUID | None,
        status: str | None,
        ids: list[int] | None,
        since: datetime | None,
        limit: int,
        from_: str | None,
        x_tenant_id: UUID | None,
        x_marks: list[str] | None,
    ) -> None:
        seen.append({name: value for name, value in locals().items() if name != "seen"})

    parameters = [
        parameter("id", "path", UUID_STRING),
        *(parameter(name, "query", schema) for name, schema in QUERY.items()),
        parameter("x-tenant-id", "header", UUID_STRING),
        parameter("X-Marks", "header", {"type": "array", "items": STRING}),
    ]
    responses = {"200": None, "204": {"description": "Taken."}}
    described = operation(parameters=parameters, responses=responses)
    described["responses"] = {status: each for status, each in described["responses"].items() if each}
    return handlers.serve(contract({"/things/{id}": {"get": described}}), get_thing)


def violations(response: httpx.Response) -> dict[str, str]:
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    return {each["at"]: each["message"] for each in response.json()["errors"]}


async def test_every_type_is_decoded(things: httpx.AsyncClient, seen: list[Json]) -> None:
    query = f"count=-5&ratio=-1.5e3&exact=true&name=a+%C3%A4&owner={ID}&status=on&ids=1&ids=2&from=x"

    response = await things.get(f"/things/{ID}?{query}&since=2026-01-01T00:00:00Z", headers={"x-tenant-id": f" {ID} "})

    assert response.status_code == 204, response.text
    assert seen[0] == {
        "id": UUID(ID),
        "count": -5,
        "ratio": -1500.0,
        "exact": True,
        "name": "a ä",
        "owner": UUID(ID),
        "status": "on",
        "ids": [1, 2],
        "since": datetime(2026, 1, 1, tzinfo=UTC),
        "limit": 20,
        "from_": "x",
        "x_tenant_id": UUID(ID),
        "x_marks": None,
    }


async def test_absent_ones_are_none_or_their_default(things: httpx.AsyncClient, seen: list[Json]) -> None:
    await things.get(f"/things/{ID}")

    assert {name: value for name, value in seen[0].items() if value is not None} == {"id": UUID(ID), "limit": 20}


async def test_a_default_list_is_each_requests_own(handlers: Handlers) -> None:
    async def get_thing(tags: list[str]) -> int:
        tags.append("another")
        return len(tags)

    tags = {"type": "array", "items": STRING, "default": ["one"]}
    served = handlers.serve(
        contract({"/thing": {"get": operation(parameters=[parameter("tags", "query", tags)])}}), get_thing
    )

    responses = [await served.get("/thing"), await served.get("/thing")]

    assert [response.json() for response in responses] == [2, 2]


async def test_a_header_of_many_is_separated_by_commas(things: httpx.AsyncClient, seen: list[Json]) -> None:
    await things.get(f"/things/{ID}", headers={"x-marks": "a, b ,c"})

    assert seen[0]["x_marks"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "%00",
        f"urn:uuid:{ID}",
        f"{{{ID}}}",
        ID.replace("-", ""),
        f"{ID}%0A",
        f"%20{ID}",
        "%ff",
        UNPAIRED,
        "a" * 8192,
    ],
)
async def test_a_path_parameter_must_be_canonical(things: httpx.AsyncClient, text: str) -> None:
    response = await things.get(f"/things/{text}")

    assert violations(response).keys() == {"id"}


async def test_a_uuid_may_be_in_upper_case(things: httpx.AsyncClient, seen: list[Json]) -> None:
    await things.get(f"/things/{ID.upper()}")

    assert seen[0]["id"] == UUID(ID)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("count=%205", "must be an integer"),
        ("count=%2B5", "must be an integer"),
        ("count=1_0", "must be an integer"),
        ("count=%D9%A3", "must be an integer"),
        ("count=5.0", "must be an integer"),
        ("count=05", "must be an integer"),
        ("count=-0", "must be an integer"),
        ("count=", "must be an integer"),
        ("count=" + "9" * 5000, "must be an integer"),
        ("count=9223372036854775808", "must be an integer"),
        ("count=-6", "must be at least -5"),
        ("count=1&count=2", "is given more than once"),
        ("ratio=NaN", "must be a number"),
        ("ratio=Infinity", "must be a number"),
        ("ratio=1e999", "must be a number"),
        ("ratio=.5", "must be a number"),
        ("exact=True", "must be true or false"),
        ("exact=1", "must be true or false"),
        ("name=abcdef", "must have at most 5 characters"),
        ("name=%00", "must not contain U+0000"),
        ("name=%ff", "must be UTF-8"),
        (f"name={UNPAIRED}", "must be UTF-8"),
        ("owner=abc", "must be a UUID in its canonical form"),
        ("status=maybe", "must be one of: on, off"),
        ("ids=1&ids=x", "must be an integer"),
        ("ids=1&ids=2&ids=3", "must have at most 2 items"),
        ("since=2026-02-28T00:00:00+01:00", "has a blank where its offset begins: write %2B for the +"),
        ("since=2026-02-30T00:00:00Z", "must be a date and time with a time zone (RFC 3339)"),
    ],
)
async def test_a_query_parameter_must_be_as_the_contract_says(
    things: httpx.AsyncClient, query: str, message: str
) -> None:
    response = await things.get(f"/things/{ID}?{query}")

    assert violations(response) == {query.partition("=")[0]: message}


async def test_everything_that_is_wrong_is_told_at_once_and_without_values(things: httpx.AsyncClient) -> None:
    response = await things.get("/things/SECRET?count=SECRET&other=SECRET", headers={"x-tenant-id": "SECRET"})

    assert violations(response) == {
        "id": "must be a UUID in its canonical form",
        "other": "is not a parameter of this operation",
        "count": "must be an integer",
        "x-tenant-id": "must be a UUID in its canonical form",
    }
    assert "SECRET" not in response.text


@pytest.mark.parametrize("name", ["%ff", "%00", "a" * 65, "%0A", "%C3%A4"])
async def test_an_unknown_parameter_that_looks_like_no_name_is_not_repeated(
    things: httpx.AsyncClient, name: str
) -> None:
    response = await things.get(f"/things/{ID}?{name}=1")

    assert [each["at"] for each in response.json()["errors"]] == [None]


async def test_no_more_than_twenty_violations_are_told(things: httpx.AsyncClient) -> None:
    query = "&".join(f"unknown{number}=1" for number in range(100))

    response = await things.get(f"/things/{ID}?{query}")

    assert len(response.json()["errors"]) == 20


async def test_a_header_may_be_given_once_only(things: httpx.AsyncClient) -> None:
    response = await things.get(f"/things/{ID}", headers=[("x-tenant-id", ID), ("X-Tenant-Id", ID)])

    assert violations(response) == {"x-tenant-id": "is given more than once"}


async def test_a_header_must_be_utf_8(things: httpx.AsyncClient) -> None:
    response = await things.get(f"/things/{ID}", headers=[(b"x-tenant-id", b"\xff")])

    assert violations(response) == {"x-tenant-id": "must be UTF-8"}


@pytest.mark.parametrize("location", ["query", "header"])
async def test_a_required_parameter_must_be_there(handlers: Handlers, location: str) -> None:
    async def get_thing(wanted: str) -> str:
        return wanted

    described = operation(parameters=[parameter("wanted", location, STRING, required=True)])
    served = handlers.serve(contract({"/thing": {"get": described}}), get_thing)

    response = await served.get("/thing")

    assert violations(response) == {"wanted": "is required"}


async def test_headers_are_read_for_what_an_operation_takes_and_for_what_it_refuses(handlers: Handlers) -> None:
    async def get_thing() -> None: ...

    async def get_other(if_match: str, if_none_match: str | None) -> None: ...

    taken = [parameter("If-Match", "header", STRING, required=True), parameter("If-None-Match", "header", STRING)]
    paths = {"/thing": {"get": operation()}, "/other": {"get": operation("getOther", parameters=taken)}}
    client = handlers.serve(contract(paths), get_thing, get_other)

    refused = await client.get("/thing", headers={"If-Match": "*"})
    missing = await client.get("/other")

    assert [(each.status_code, each.json()["errors"]) for each in (refused, missing)] == [
        (400, [{"at": "if-match", "message": "is not a precondition of this operation"}]),
        (400, [{"at": "If-Match", "message": "is required"}]),
    ]
