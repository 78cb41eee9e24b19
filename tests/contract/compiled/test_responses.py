"""Every response is held to the contract before it is sent: one that breaks it is an internal error, and logged."""

import logging
from contextlib import nullcontext
from typing import Any, cast

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.responses import MediaType, ResponseRules
from automation.contract.serving.reply import Reply
from automation.domain.errors import InternalError
from tests.contract.tiny import PROBLEM, STRING, Handlers, Json, answer, contract, operation

HEADER: Json = {"required": True, "description": "A header.", "schema": {"type": "integer", "minimum": 1}}
HEADERS: Json = {
    "X-Count": HEADER,
    "X-Note": {"description": "A header.", "schema": STRING},
    "X-Many": {"description": "A header of any numbers.", "schema": {"type": "array", "items": STRING, "maxItems": 1}},
    "X-Any": {"description": "A header of any number.", "schema": {"type": "integer"}},
    "X-Short": {"description": "A header of few characters.", "schema": {"type": "string", "maxLength": 1}},
    "X-Request-Id": {"required": True, "description": "Added further out.", "schema": STRING},
}
THING: Json = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "at": {"type": "string", "format": "date-time"},
        "price": {"type": "number", "nullable": True},
        "count": {"type": "number"},
    },
}
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
LARGEST = (b'{"id": "%s"}' % ID.encode()).ljust(4 * 1024 * 1024)
DESCRIBED = operation(
    responses={
        "200": answer({"$ref": "#/components/schemas/Thing"}),
        "201": answer(THING, headers=HEADERS),
        "202": {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string", "maxLength": 3}}}},
        "204": {"description": "Nothing."},
        "409": {"description": "An error.", "content": PROBLEM},
    }
)


@pytest.mark.parametrize(
    ("value", "keyword", "place"),
    [
        ({}, "required", "/id"),
        ({"id": "SECRET"}, "format", "/id"),
        ({"id": ID.replace("-", "")}, "format", "/id"),
        ({"id": ID, "at": "SECRET"}, "format", "/at"),
        ({"id": ID, "count": float("nan")}, "type", "/count"),
        (b'{"id": "%s", "price": NaN}' % ID.encode(), "json", "the whole of it"),
        (b'{"id": "\xff"}', "json", "the whole of it"),
        (b"", "json", "the whole of it"),
        ({"id": object()}, "encoding", "the whole of it"),
        (["SECRET"], "type", "the whole of it"),
        (Reply({"id": ID}, 299), "responses", "the whole of it"),
        (Reply({"id": ID}, 200, {"Content-Type": "text/html"}), "content", "the whole of it"),
        (Reply({"id": ID}, 201), "headers", "x-count"),
        (Reply({"id": ID}, 201, {"X-Count": "SECRET"}), "headers", "X-Count"),
        (Reply({"id": ID}, 201, {"X-Count": "0"}), "headers", "X-Count"),
        (Reply({"id": ID}, 201, {"X-Count": "1", "X-Many": "a, b"}), "headers", "X-Many"),
        (Reply({"id": ID}, 201, {"X-Count": "1", "X-Any": "a"}), "headers", "X-Any"),
        (Reply({"id": ID}, 201, {"X-Count": "1", "X-Short": "ab"}), "headers", "X-Short"),
        pytest.param(LARGEST + b" ", "size", "the whole of it", id="too large"),
        (Reply(b"\xff", 202), "utf-8", "the whole of it"),
        (Reply("SECRET", 202), "maxLength", "the whole of it"),
        (Reply(1, 202), "encoding", "the whole of it"),
        (Reply(b"SECRET", 204), "content", "the whole of it"),
        (Reply({"id": ID}, 204), "encoding", "the whole of it"),
        (Reply({"detail": "SECRET"}, 409), "required", "/code"),
    ],
)
async def test_a_response_that_breaks_the_contract_is_an_internal_error(
    handlers: Handlers, caplog: pytest.LogCaptureFixture, value: object, keyword: str, place: str
) -> None:
    async def get_thing() -> object:
        return value

    served = handlers.serve(contract({"/thing": {"get": DESCRIBED}}, schemas={"Thing": THING}), get_thing)

    with caplog.at_level(logging.ERROR, "automation.contract"):
        response = await served.get("/thing")

    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        f"its {value.status if isinstance(value, Reply) else 200} breaks the contract: {keyword} at {place}"
    ]
    assert "SECRET" not in response.text + caplog.text


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"id": ID, "count": 2**53 + 1}, 200),
        ({"id": ID, "price": None}, 200),
        (Reply({"id": ID}, 201, {"X-Count": "2", "X-Note": "é"}), 201),
        (Reply("abc", 202), 202),
        pytest.param(LARGEST, 200, id="as large as any may be"),
        (Reply(None, 204), 204),
        (Reply({"code": "conflict"}, 409), 409),
    ],
)
async def test_a_response_that_keeps_the_contract_is_sent(handlers: Handlers, value: object, status: int) -> None:
    async def get_thing() -> object:
        return value

    served = handlers.serve(contract({"/thing": {"get": DESCRIBED}}, schemas={"Thing": THING}), get_thing)

    response = await served.get("/thing")

    assert response.status_code == status


async def test_head_is_held_to_the_same(handlers: Handlers) -> None:
    async def get_thing() -> object:
        return {}

    served = handlers.serve(contract({"/thing": {"get": DESCRIBED}}, schemas={"Thing": THING}), get_thing)

    response = await served.head("/thing")

    assert response.status_code == 500


@pytest.mark.parametrize(("status", "count", "refused"), [(201, b"1", False), (201, b"0", True), (299, b"1", True)])
def test_whoever_answers_is_held_to_statuses_and_headers_that_are_documented(
    status: int, count: bytes, refused: bool
) -> None:
    described = Contract(contract({"/thing": {"get": DESCRIBED}}, schemas={"Thing": THING}))
    rules = ResponseRules(described.operations["getThing"], described.document, described.schemas)
    headers = [(b"x-count", count), (b"content-type", b"application/json")]

    with pytest.raises(InternalError) if refused else nullcontext():
        rules.require(status, headers, LARGEST)


def test_a_response_may_have_the_headers_alone_that_it_must_have() -> None:
    required = {"204": {"description": "Nothing.", "headers": {"X-Count": HEADER}}}
    described = Contract(contract({"/thing": {"get": operation(responses=required)}}))
    rules = ResponseRules(described.operations["getThing"], described.document, described.schemas)

    rules.require(204, [(b"x-count", b"1")], b"")


def test_a_constant_is_held_to_its_schema_once_and_another_answer_each_time() -> None:
    asked: list[object] = []

    class Validator:
        def is_valid(self, value: object) -> bool:
            asked.append(value)
            return True

    media_type = MediaType("text/plain", cast("Any", Validator()))
    constant, other = b"constant", b"another"
    for body in (constant, constant, other, constant):
        media_type.require(body)

    assert asked == ["constant", "another", "constant"]
