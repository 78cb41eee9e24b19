"""Requests reach their operation, and others are told why they don't."""

from typing import Any

import httpx
import pytest

from tests.contract.tiny import UUID_STRING, Handlers, contract, operation, parameter, writing

ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
THING = {"parameters": [parameter("id", "path", UUID_STRING)]}


async def get_thing() -> str:
    return "one"


async def put_thing(body: Any) -> str:
    return f"put {body}"


async def get_special(id: object) -> str:
    return f"by id {id}"


@pytest.fixture
def things(handlers: Handlers) -> httpx.AsyncClient:
    paths = {
        "/things/{id}": {**THING, "get": operation("getSpecial"), "delete": operation("deleteThing")},
        "/things/mine": {"get": operation("getThing"), "put": writing("putThing", {"type": "integer"})},
    }

    async def delete_thing(id: object) -> str:
        return f"deleted {id}"

    return handlers.serve(contract(paths), get_thing, put_thing, get_special, delete_thing)


async def test_a_concrete_path_comes_before_a_template(things: httpx.AsyncClient) -> None:
    response = await things.get("/things/mine")

    assert response.json() == "one"


async def test_the_methods_of_a_concrete_path_are_not_looked_for_in_a_template(things: httpx.AsyncClient) -> None:
    response = await things.delete("/things/mine")

    assert response.status_code == 405


async def test_a_wrong_method_is_told_every_method_of_the_path(things: httpx.AsyncClient) -> None:
    response = await things.patch("/things/mine")

    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response.headers["allow"] == "GET, HEAD, PUT"


@pytest.mark.parametrize("path", ["/", "/thing", "/things/", "/things/mine/", "//things/mine", "/things/mine%0A/x"])
async def test_a_path_that_is_not_in_the_contract_is_not_found(things: httpx.AsyncClient, path: str) -> None:
    response = await things.get(path)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_a_line_feed_at_the_end_makes_it_another_path(things: httpx.AsyncClient) -> None:
    response = await things.get("/things/mine%0A")

    assert response.status_code == 400  # the template's: it is no UUID


@pytest.mark.parametrize("path", ["/things%2Fmine", "/things%2fmine", "/things/%2f"])
async def test_an_encoded_slash_is_none_between_segments(things: httpx.AsyncClient, path: str) -> None:
    response = await things.get(path)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_an_encoded_slash_in_the_query_is_no_part_of_the_path(things: httpx.AsyncClient) -> None:
    response = await things.get("/things%6Dine?x=%2f")

    assert response.status_code == 404
    assert (await things.get("/things/%6Dine?x=%2f")).json()["code"] == "invalid_parameter"


async def test_head_works_where_get_does_and_has_no_body(things: httpx.AsyncClient) -> None:
    response = await things.head("/things/mine")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len('"one"'))


async def test_a_base_path_stands_before_every_path(handlers: Handlers) -> None:
    served = handlers.serve(contract({"/thing": {"get": operation()}}), get_thing, base_path="/prefix")

    responses = [await served.get(path) for path in ("/prefix/thing", "/thing", "/prefix/thing/", "/prefix/thing%0A")]

    assert [response.status_code for response in responses] == [200, 404, 404, 404]


async def test_a_websocket_is_closed(handlers: Handlers) -> None:
    sent = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    app = handlers.application(contract({"/thing": {"get": operation()}}), get_thing)

    await app({"type": "websocket", "path": "/thing", "headers": []}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1000}]  # RFC 6455, section 7.4.1: in order


@pytest.mark.parametrize(("path", "found"), [("/things", {}), (f"/things/{ID}", {"id": ID})])
async def test_what_a_path_has_is_known_as_soon_as_it_is_routed(
    handlers: Handlers, path: str, found: dict[str, str]
) -> None:
    described = {"/things": {"get": operation()}, "/things/{id}": {"get": operation("getOne"), **THING}}
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "query_string": b""}
    scope |= {
        "raw_path": path.encode(),
        "root_path": "",
        "headers": [],
        "extensions": {},
        "path_params": {"of": "whoever mounts it"},
    }

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(_message: Any) -> None:
        pass

    async def get_one(id: object) -> str:
        return f"by id {id}"

    await handlers.application(contract(described), get_thing, get_one)(scope, receive, send)

    assert scope["path_params"] == found
