"""Bodies that reach a handler: small enough, JSON in UTF-8, read in one way only, valid."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.tiny import STRING, Handlers, Json, contract, writing

JSON = {"content-type": "application/json"}
DEEP = "The body is nested deeper than 64 levels."
LARGE = "An integer in the body does not fit into 64 bits."
NUL = "A string in the body contains U+0000."
TWICE = "An object in the body has a member twice."
SCHEMA: Json = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "count": {"type": "integer", "maximum": 10, "exclusiveMaximum": True, "nullable": True},
        "a/b~c": {"type": "array", "items": {"type": "boolean"}},
        "inner": {"type": "object", "additionalProperties": False, "properties": {"x": {}}},
    },
}


@pytest.fixture
def things(handlers: Handlers) -> httpx.AsyncClient:
    async def put_thing(body: Any) -> Any:
        return {"got": body}

    async def put_optional(body: Any) -> Any:
        return {"got": body}

    async def put_large(body: Any) -> Any:
        return {"got": len(body)}

    async def put_anything(body: Any) -> Any:
        return {"got": body}

    paths = {
        "/thing": {"put": writing("putThing", {"$ref": "#/components/schemas/Thing"})},
        "/optional": {"put": writing("putOptional", STRING, required=False)},
        "/large": {"put": writing("putLarge", STRING, **{"x-max-body-bytes": 200_000})},
        "/anything": {"put": writing("putAnything", {})},
    }
    document = contract(paths, schemas={"Thing": SCHEMA})
    return handlers.serve(document, put_thing, put_optional, put_large, put_anything)


async def put(
    things: httpx.AsyncClient, content: bytes | AsyncIterator[bytes], path: str = "/anything"
) -> httpx.Response:
    return await things.put(path, content=content, headers=JSON)


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def test_a_valid_body_reaches_the_handler(things: httpx.AsyncClient) -> None:
    response = await things.put("/thing", json={"name": "ä", "count": None, "more": [1.5]})

    assert response.json() == {"got": {"name": "ä", "count": None, "more": [1.5]}}


@pytest.mark.parametrize(
    ("content", "what", "line", "column"),
    [
        (b"{", "valid JSON", 1, 2),
        (b"{'a': 1}", "valid JSON", 1, 2),
        (b'{"a": 1,\n "b": \xc3\xa4}', "valid JSON", 2, 7),
        (b'{\n\t"\xc3\xa4\xc3\xa4": "\xc3\xa4" x}', "valid JSON", 2, 12),
        (b'"\xff"', "UTF-8", 1, 2),
        (b'{"\xc3\xa4":\n"\xc3\xa4\xff"}', "UTF-8", 2, 3),
        (b'\xef\xbb\xbf"a"', "valid JSON", 1, 1),
        (b"NaN", "valid JSON", 1, 1),
        (b"[-Infinity]", "valid JSON", 1, 3),
        (b"1e999", "valid JSON", 1, 1),
        (b"1" * 5000, "valid JSON", 1, 1),
        (b'"\\ud800"', "valid JSON", 1, 2),
        (b'{"\\udc00": 1}', "valid JSON", 1, 3),
        (b"[" * 30_000 + b"]" * 30_000, "valid JSON", 1, 1026),
    ],
)
async def test_where_a_body_stops_to_be_json_is_told(
    things: httpx.AsyncClient, content: bytes, what: str, line: int, column: int
) -> None:
    response = await put(things, content)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_body")
    assert response.json()["detail"] == f"The body is not {what}: line {line}, column {column}."
    assert response.json()["errors"] == [{"at": "", "message": f"is not {what} at line {line}, column {column}"}]


@pytest.mark.parametrize(
    ("content", "detail", "at", "message"),
    [
        (b"[" * 65 + b"]" * 65, DEEP, "", "is nested deeper than 64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, DEEP, "", "is nested deeper than 64 levels"),
        (b'{"a": 1, "a": 1}', TWICE, "/a", "is given more than once"),
        (b'[{"b/": {"a": 1, "\\u0061": 2}}]', TWICE, "/0/b~1/a", "is given more than once"),
        (b'{"b": 1, "a": [{"c": 1, "c": 2}], "b": 1}', TWICE, "/b", "is given more than once"),
        (b'["a", ["a\\u0000b"]]', NUL, "/1/0", "must not contain U+0000"),
        (b'{"a": {"\\u0000": 1}}', NUL, "/a", "must not contain U+0000"),
        (b'{"\\u0000": 1}', NUL, "", "must not contain U+0000"),
        (b"[1, 9223372036854775808]", LARGE, "/1", "must be an integer of 64 bits"),
        (b"-9223372036854775809", LARGE, "", "must be an integer of 64 bits"),
        (b'{"a": [1' + b"0" * 200 + b"]}", LARGE, "/a/0", "must be an integer of 64 bits"),
        (b"", "This operation requires a body.", "", "is required"),
    ],
)
async def test_a_body_must_be_strict_json(
    things: httpx.AsyncClient, content: bytes, detail: str, at: str, message: str
) -> None:
    response = await put(things, content)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_body")
    assert response.json()["detail"] == detail
    assert response.json()["errors"] == [{"at": at, "message": message}]


@pytest.mark.parametrize(
    "content",
    [
        b"9223372036854775807",
        b"-9223372036854775808",
        b"[" * 64 + b"]" * 64,
        b'"\\\\u0000"',
        b'"[[[["',
        b"1e308",
        b"null",
    ],
)
async def test_what_strict_json_has_is_taken(things: httpx.AsyncClient, content: bytes) -> None:
    response = await put(things, content)

    assert response.status_code == 200, response.text


async def test_violations_point_into_the_body_in_fixed_words(things: httpx.AsyncClient) -> None:
    body = {"count": 10, "a/b~c": [True, "SECRET"], "inner": {"y~": 1}}

    response = await things.put("/thing", json=body)

    assert {each["at"]: each["message"] for each in response.json()["errors"]} == {
        "/name": "is required",
        "/count": "must be less than 10",
        "/a~1b~0c/1": "must be true or false",
        "/inner/y~0": "is not a known member",
    }
    assert "SECRET" not in response.text


async def test_no_more_than_twenty_violations_are_told(things: httpx.AsyncClient) -> None:
    response = await things.put("/thing", json={"name": "a", "a/b~c": ["no"] * 100})

    assert len(response.json()["errors"]) == 20


async def test_a_pointer_is_cut_at_a_border_where_the_client_made_it_long(things: httpx.AsyncClient) -> None:
    response = await things.put("/thing", json={"name": "a", "inner": {"y" * 1000: 1}})

    assert [each["at"] for each in response.json()["errors"]] == ["/inner"]


async def test_an_optional_body_may_be_absent(things: httpx.AsyncClient) -> None:
    responses = [await things.put("/optional"), await things.put("/optional", content=pieces())]

    assert [response.json() for response in responses] == [{"got": None}, {"got": None}]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=utf-7"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json; profile=x"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/problem+json"},
        {**JSON, "content-encoding": "gzip"},
    ],
)
async def test_anything_but_json_in_utf_8_is_an_unsupported_media_type(
    things: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await things.put("/thing", content=b'{"name": "a"}', headers=headers)

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"content-type": "text/plain"}, ("application/json", None)),
        ({**JSON, "content-encoding": "gzip"}, (None, "identity")),
        ({**JSON, "content-encoding": "sdch, br"}, (None, "identity")),
        ({"content-type": "text/plain", "content-encoding": "gzip"}, (None, "identity")),
    ],
)
async def test_a_refusal_names_what_would_be_taken(
    things: httpx.AsyncClient, headers: dict[str, str], named: tuple[str | None, str | None]
) -> None:
    response = await things.put("/thing", content=b'{"name": "a"}', headers=headers)

    assert response.status_code == 415
    assert (response.headers.get("accept"), response.headers.get("accept-encoding")) == named


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ([("content-type", "text/plain")], "Content-Type"),
        ([("content-type", "application/json")], "Content-Type"),
        ([("content-encoding", "identity"), ("content-encoding", "gzip")], "Content-Encoding"),
    ],
)
async def test_headers_of_which_there_may_be_one_are_told_of_where_there_are_more(
    things: httpx.AsyncClient, more: list[tuple[str, str]], name: str
) -> None:
    response = await things.put("/thing", content=b"{}", headers=[*JSON.items(), *more])

    assert response.status_code == 415
    assert response.json()["detail"] == (
        f"The request has more than one {name}. "
        "The body must be JSON in UTF-8: Content-Type application/json, not compressed."
    )


async def test_a_comma_in_quotes_makes_no_second_header(things: httpx.AsyncClient) -> None:
    response = await things.put("/thing", content=b"{}", headers={"content-type": 'application/json; a="b, c"'})

    assert response.json()["detail"].startswith("The body must be JSON in UTF-8")


@pytest.mark.parametrize("media_type", ["application/json;charset=UTF-8", 'Application/JSON ; charset="utf-8"'])
async def test_a_media_type_may_be_written_in_other_ways(things: httpx.AsyncClient, media_type: str) -> None:
    headers = {"content-type": media_type, "content-encoding": "identity"}

    response = await things.put("/thing", content=b'{"name": "a"}', headers=headers)

    assert response.status_code == 200


async def test_a_body_may_have_64_kib(things: httpx.AsyncClient) -> None:
    response = await put(things, b'"' + b"a" * (65_536 - 2) + b'"')

    assert response.status_code == 200


async def test_a_larger_body_is_refused_before_it_is_read(things: httpx.AsyncClient) -> None:
    response = await put(things, b'"' + b"a" * (65_537 - 2) + b'"')

    assert (response.status_code, response.json()["code"]) == (413, "content_too_large")
    assert response.json()["detail"] == "The body may have at most 65536 bytes."


async def test_a_chunked_body_is_refused_when_it_grows_too_large(things: httpx.AsyncClient) -> None:
    read = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(1)
            yield b"[" * 1024

    response = await put(things, endless())

    assert response.status_code == 413
    assert len(read) < 100


async def test_an_operation_may_take_more(things: httpx.AsyncClient) -> None:
    response = await put(things, b'"' + b"a" * 150_000 + b'"', "/large")

    assert response.json() == {"got": 150_000}


async def test_chunks_are_put_together(things: httpx.AsyncClient) -> None:
    response = await put(things, pieces(b'{"na', b"", b'me": "a"}'), "/thing")

    assert response.json() == {"got": {"name": "a"}}


async def test_an_integer_that_is_written_as_a_float_reaches_the_handler_as_an_integer(
    things: httpx.AsyncClient,
) -> None:
    response = await things.put("/thing", json={"name": "a", "count": 5.0, "more": 5.0})

    assert response.text == '{"got":{"name":"a","count":5,"more":5.0}}'
