"""Replies of handlers: their status, encoding and headers, and what a cache may do with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import httpx
import pytest

from automation.contract.serving.reply import Reply
from automation.domain.errors import InternalError
from automation.domain.principal import Principal
from tests.contract.tiny import (
    PRINCIPAL,
    STRING,
    Handlers,
    Json,
    answer,
    contract,
    operation,
    parameter,
    problem,
    secured,
)

Serve = Callable[..., httpx.AsyncClient]
IF_MATCH = parameter("If-Match", "header", STRING)
IF_NONE_MATCH = parameter("If-None-Match", "header", STRING)
NOT_MODIFIED = {"304": {"description": "Still current."}}


@pytest.fixture
def serve(handlers: Handlers) -> Serve:
    """Serve one operation whose handler returns a value."""

    def serve(value: object, described: Json | None = None) -> httpx.AsyncClient:
        async def get_thing() -> object:
            return value

        return handlers.serve(contract({"/thing": {"get": described or operation()}}), get_thing)

    return serve


@dataclass
class Shape:
    corners: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": None}, '{"a":null}'),
        (b'{ "a": 1 }', '{ "a": 1 }'),
        ("ä", '"ä"'),
        (None, "null"),
        (Shape(3), '{"corners":3}'),
        (MappingProxyType({"a": (1, 2)}), '{"a":[1,2]}'),
        (frozenset({"b", "a"}), '["a","b"]'),
        (datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC), '"2026-01-02T03:04:05.000600Z"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
    ],
)
async def test_a_plain_value_is_sent_as_json(serve: Serve, value: object, text: str) -> None:
    response = await serve(value).get("/thing")

    assert (response.status_code, response.text) == (200, text)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))


async def test_text_is_sent_as_utf_8_where_the_media_type_is_text(serve: Serve) -> None:
    described = operation(responses={"200": {"description": "Text.", "content": {"text/plain": {"schema": STRING}}}})

    response = await serve("ä", described).get("/thing")

    assert (response.content, response.headers["content-type"]) == ("ä".encode(), "text/plain; charset=utf-8")


async def test_a_plain_value_gets_the_only_success(serve: Serve) -> None:
    described = operation()
    described["responses"] = {"201": answer(), "400": described["responses"]["400"]}

    response = await serve({}, described).get("/thing")

    assert response.status_code == 201


@pytest.mark.parametrize(("status", "sent"), [(199, 500), (200, 200), (299, 299), (300, 500)])
async def test_only_a_status_of_success_is_a_plain_values(serve: Serve, status: int, sent: int) -> None:
    described = operation()
    described["responses"] = {str(status): answer()}

    response = await serve({}, described).get("/thing")

    assert response.status_code == sent


async def test_a_reply_says_its_status_and_headers(serve: Serve) -> None:
    described = operation(responses={"202": answer()})

    response = await serve(Reply("later", 202, {"Location": "/jobs/1"}), described).get("/thing")

    assert (response.status_code, response.headers["location"]) == (202, "/jobs/1")


async def test_a_success_without_content_has_no_body(serve: Serve) -> None:
    described = operation()
    described["responses"] = {"204": {"description": "Done."}}

    response = await serve(None, described).get("/thing")

    assert (response.status_code, response.content) == (204, b"")
    assert not {"content-type", "content-length"} & response.headers.keys()


async def test_what_anyone_may_see_is_not_kept_unless_the_handler_says_so(serve: Serve) -> None:
    plain = await serve({}).get("/thing")
    cached = await serve(Reply({}, headers={"Cache-Control": "public, no-cache"})).get("/thing")

    assert (plain.headers["cache-control"], cached.headers["cache-control"]) == ("no-store", "public, no-cache")
    assert "vary" not in plain.headers


@pytest.mark.parametrize(
    ("headers", "etag", "cache_control", "vary"),
    [
        ({}, None, "private, no-store", "x-api-key, x-tenant-id"),
        ({"Cache-Control": "public"}, None, "private, no-store", "x-api-key, x-tenant-id"),
        ({}, '"1"', "private, no-cache", "x-api-key, x-tenant-id"),
        ({"Cache-Control": "public"}, '"1"', "private, no-cache", "x-api-key, x-tenant-id"),
        ({"Vary": "Accept"}, None, "private, no-store", "x-api-key, x-tenant-id, Accept"),
    ],
)
async def test_a_tenants_data_is_private_whatever_the_handler_says(
    serve: Serve, headers: dict[str, str], etag: str | None, cache_control: str, vary: str
) -> None:
    described = secured(parameters=[parameter("X-Tenant-Id", "header", STRING), IF_NONE_MATCH])

    response = await serve(Reply({}, headers=headers, etag=etag), described).get("/thing")

    assert (response.headers["cache-control"], response.headers["vary"]) == (cache_control, vary)


@pytest.mark.parametrize(
    ("asked", "status"),
    [('"1"', 304), ('W/"1"', 304), ('"0", "1"', 304), ("*", 304), ('"2"', 200), ("1", 200), ("", 200), ('"1', 200)],
)
async def test_what_the_client_has_is_not_sent_again(serve: Serve, asked: str, status: int) -> None:
    described = operation(parameters=[IF_NONE_MATCH], responses=NOT_MODIFIED)

    response = await serve(Reply({}, etag='"1"'), described).get("/thing", headers={"if-none-match": asked})

    assert response.status_code == status
    assert response.headers["etag"] == '"1"'
    assert response.content == (b"" if status == 304 else b"{}")


@pytest.mark.parametrize(
    ("asked", "status"),
    [(None, 200), ('"1"', 200), ('"0", "1"', 200), ("*", 200), ('"2"', 412), ('W/"1"', 412), ('"2", "3"', 412)],
)
async def test_what_is_expected_to_be_another_one_is_not_sent(serve: Serve, asked: str | None, status: int) -> None:
    described = operation(parameters=[IF_MATCH], responses=NOT_MODIFIED | {"412": problem()})

    headers = {} if asked is None else {"if-match": asked}
    response = await serve(Reply({}, etag='"1"'), described).get("/thing", headers=headers)

    assert response.status_code == status


async def test_only_an_operation_that_documents_it_answers_304(serve: Serve) -> None:
    described = operation(parameters=[IF_NONE_MATCH])

    response = await serve(Reply({}, etag='"1"'), described).get("/thing", headers={"if-none-match": "*"})

    assert response.status_code == 200


async def test_a_handler_is_given_the_principal_and_what_is_provided(handlers: Handlers) -> None:
    async def get_thing(who: Principal, *, shape: Shape) -> Any:
        return {"user": who.user, "corners": shape.corners}

    document = contract({"/thing": {"get": secured()}})

    response = await handlers.serve(document, get_thing, provided={Shape: Shape(5)}).get("/thing")

    assert response.json() == {"user": str(PRINCIPAL.user), "corners": 5}


@pytest.mark.parametrize("returned", [object(), {"a": "\ud800"}, Reply({}, 299)])
async def test_what_is_no_answer_of_the_contract_is_an_internal_error_and_says_no_more(
    handlers: Handlers, returned: object
) -> None:
    async def get_thing() -> object:
        return returned

    response = await handlers.serve(contract({"/thing": {"get": operation()}}), get_thing).get("/thing")

    assert (response.status_code, response.json()["detail"]) == (500, InternalError.default)


async def test_a_handler_may_raise_domain_errors_and_others(handlers: Handlers) -> None:
    async def get_thing() -> None:
        raise ZeroDivisionError

    response = await handlers.serve(contract({"/thing": {"get": operation()}}), get_thing).get("/thing")

    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
