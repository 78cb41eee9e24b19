"""Bodies that are taken as they came: all bytes reach the handler, if they are few enough and of a taken media type."""

from dataclasses import replace

import httpx
import pytest

from automation.contract.compiled.raw_bodies import RawBody
from tests.contract.tiny import STRING, Handlers, Json, contract, parameter, writing

TAKEN = ["application/json", "text/plain"]


@pytest.fixture
def got() -> list[RawBody | None]:
    return []


@pytest.fixture
def things(handlers: Handlers, got: list[RawBody | None]) -> httpx.AsyncClient:
    async def take_thing(body: RawBody | None) -> None:
        got.append(body)

    async def need_thing(body: RawBody | None) -> None:
        got.append(body)

    async def describe_thing(body: RawBody | None) -> None:
        got.append(body)

    raw = {"x-raw-body": TAKEN, "x-max-body-bytes": 10}
    paths = {
        "/optional": {"put": writing("takeThing", {}, required=False, **raw)},
        "/required": {"put": writing("needThing", {}, **raw)},
        "/described": {"put": writing("describeThing", {}, required=False, **raw, **{"x-raw-headers": "ce-"})},
    }
    return handlers.serve(contract(paths), take_thing, need_thing, describe_thing)


@pytest.mark.parametrize(
    ("media_type", "named"),
    [
        ("application/json", "application/json"),
        ("text/plain; charset=UTF-8", "text/plain"),
        ("Text/Plain", "text/plain"),
    ],
)
async def test_every_byte_reaches_the_handler_with_the_media_type(
    things: httpx.AsyncClient, got: list[RawBody | None], media_type: str, named: str
) -> None:
    await things.put("/required", content=b'{"a" :\n1}', headers={"content-type": media_type})

    assert got == [RawBody(b'{"a" :\n1}', named)]


async def test_a_body_that_is_optional_may_be_absent(things: httpx.AsyncClient, got: list[RawBody | None]) -> None:
    await things.put("/optional")
    refused = await things.put("/required")

    assert got == [None]
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_body")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/html"},
        {"content-type": "text/plain; charset=latin1"},
        {"content-type": "text/plain", "content-encoding": "gzip"},
        {},
        {"content-type": "text/plain, application/json"},
    ],
    ids=["another", "not in UTF-8", "compressed", "none", "two"],
)
async def test_what_is_called_otherwise_is_refused_and_told_what_is_taken(
    things: httpx.AsyncClient, got: list[RawBody | None], headers: dict[str, str]
) -> None:
    response = await things.put("/required", content=b"text", headers=headers)

    assert (response.status_code, got) == (415, [])
    assert response.json()["detail"].endswith("Content-Type application/json or text/plain.")


async def test_a_body_that_is_too_large_is_refused(things: httpx.AsyncClient, got: list[RawBody | None]) -> None:
    taken = await things.put("/required", content=b"x" * 10, headers={"content-type": "text/plain"})
    refused = await things.put("/required", content=b"x" * 11, headers={"content-type": "text/plain"})

    assert (taken.status_code, refused.status_code, len(got)) == (200, 413, 1)


async def test_any_query_is_taken_where_the_contract_has_an_object_for_it(handlers: Handlers) -> None:
    async def get_thing(rest: Json, id: str | None) -> Json:
        return {"rest": rest, "id": id}

    anything = parameter("rest", "query", {"type": "object", "additionalProperties": STRING})
    paths = {"/thing": {"put": writing("getThing", {}, False, parameters=[anything, parameter("id", "query", STRING)])}}
    paths["/thing"]["put"].pop("requestBody")
    things = handlers.serve(contract(paths), get_thing)

    response = await things.put("/thing?a=1&id=7&b=x+y&a=2&c=")
    none = await things.put("/thing")
    broken = await things.put("/thing?a=%ff")

    assert response.json() == {"rest": {"a": ["1", "2"], "b": "x y", "c": ""}, "id": "7"}
    assert none.json() == {"rest": {}, "id": None}
    assert (broken.status_code, broken.json()["code"]) == (400, "invalid_parameter")


async def test_one_that_is_not_said_to_be_required_may_be_absent(handlers: Handlers, got: list[RawBody | None]) -> None:
    async def take_thing(body: RawBody | None) -> None:
        got.append(body)

    described = writing("takeThing", {}, **{"x-raw-body": TAKEN})
    del described["requestBody"]["required"]
    await handlers.serve(contract({"/thing": {"put": described}}), take_thing).put("/thing")

    assert got == [None]


async def test_headers_that_belong_to_it_reach_the_handler_with_a_body_and_without_one(
    things: httpx.AsyncClient, got: list[RawBody | None]
) -> None:
    described = {"Ce-Id": " 1 ", "ce-type": "order.created", "x-other": "2"}

    await things.put("/described", content=b"text", headers={"content-type": "text/plain", **described})
    await things.put("/described", headers=described)
    await things.put("/described")
    await things.put("/optional", content=b"text", headers={"content-type": "text/plain", **described})

    headers, text = {"ce-id": "1", "ce-type": "order.created"}, RawBody(b"text", "text/plain")
    assert got == [replace(text, headers=headers), RawBody(b"", "", headers), None, text]


def test_whoever_logs_it_shows_nothing_of_it() -> None:
    shown = repr(RawBody(b"SECRET", "text/plain", {"webhook-signature": "SECRET"}))

    assert shown == "RawBody(media_type='text/plain')"
