import gzip
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from automation.engine.actions import ActionFailed, Actions
from automation.engine.actions.webhook_response import retry_after
from tests.engine.actions.calls import a_call
from tests.engine.actions.receiver import Receiver, response, writing

MEGABYTE = 1024 * 1024


async def output(actions: Actions, receiver: Receiver, **config: Any) -> Any:
    return (await actions.run("webhook_call", {"url": receiver.url, **config}, a_call())).output


@pytest.mark.parametrize(
    ("content", "media_type", "body"),
    [
        (b'{"a": [1]}', "application/json; charset=utf-8", {"a": [1]}),
        (b"[1]", "application/problem+json", [1]),
        (b"null", "application/json", None),
        (b"", "application/json", None),
        (b"{broken", "application/json", "{broken"),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        ("é".encode("latin-1"), "text/plain; charset=iso-8859-1", "é"),
        ("é".encode(), "text/plain; charset=punycode", "é"),
        (b"\xff", "text/plain", "\ufffd"),
        (b"a\0b", "application/octet-stream", "a\ufffdb"),
        (b'{"a\\u0000": ["\\u0000"]}', "application/json", {"a\ufffd": ["\ufffd"]}),
        (b"12345678901234567890123", "application/json", 12345678901234567890123.0),
        (b"[" * 5000 + b"]" * 5000, "application/json", "[" * 5000 + "]" * 5000),
    ],
)
async def test_a_body_is_json_where_it_is_json_and_text_elsewhere(
    actions: Actions, receiver: Receiver, content: bytes, media_type: str, body: object
) -> None:
    receiver.answer = writing(response(content, f"Content-Type: {media_type}"))

    assert (await output(actions, receiver))["body"] == body


async def test_a_body_without_a_media_type_is_text(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"hello"))

    assert await output(actions, receiver) == {"status": 200, "headers": {}, "body": "hello", "truncated": False}


async def test_a_chunked_body_is_put_together(actions: Actions, receiver: Receiver) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
    receiver.answer = writing(head, b"3\r\n[1,\r\n", b"2\r\n2]\r\n", b"0\r\n\r\n", pause=0.01)

    assert (await output(actions, receiver))["body"] == [1, 2]


@pytest.mark.parametrize(("size", "truncated"), [(99, False), (100, False), (101, True), (5000, True)])
async def test_a_body_is_cut_at_the_cap_and_says_so(
    actions: Actions, receiver: Receiver, size: int, truncated: bool
) -> None:
    receiver.answer = writing(response(b"x" * size))

    answer = await output(actions, receiver, max_response_bytes=100)

    assert answer["body"] == "x" * min(size, 100)
    assert answer["truncated"] is truncated


async def test_json_that_was_cut_is_text(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"12345", "Content-Type: application/json"))

    assert (await output(actions, receiver, max_response_bytes=3))["body"] == "123"


async def test_a_cap_of_zero_keeps_nothing(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"12345"))

    answer = await output(actions, receiver, max_response_bytes=0)

    assert (answer["body"], answer["truncated"]) == (None, True)


async def test_an_endless_body_is_left_at_the_cap(actions: Actions, receiver: Receiver) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n"
    receiver.answer = writing(head, *[b"x" * 65536] * 4, pause=0.02)
    started = time.monotonic()

    answer = await output(actions, receiver)

    assert len(answer["body"]) == 64 * 1024
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
async def test_an_encoded_body_is_decoded(actions: Actions, receiver: Receiver, encoding: str) -> None:
    encoded = zlib.compress(b"[1]") if encoding == "deflate" else gzip.compress(b"[1]")
    receiver.answer = writing(response(encoded, f"Content-Encoding: {encoding}", "Content-Type: application/json"))

    assert (await output(actions, receiver))["body"] == [1]


async def test_a_gzip_bomb_does_not_go_off(actions: Actions, receiver: Receiver) -> None:
    bomb = gzip.compress(b"\0" * 50 * MEGABYTE)
    receiver.answer = writing(response(bomb, "Content-Encoding: gzip"))
    tracemalloc.start()

    answer = await output(actions, receiver, max_response_bytes=1000)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(answer["body"]) == 1000
    assert answer["truncated"] is True
    assert peak < 2 * MEGABYTE


@pytest.mark.parametrize(
    ("encoding", "content"), [("br", b"x"), ("gzip, gzip", b"x"), ("gzip", b"this is not gzip"), ("zstd", b"")]
)
async def test_a_body_that_can_not_be_decoded_is_a_definite_failure(
    actions: Actions, receiver: Receiver, encoding: str, content: bytes
) -> None:
    receiver.answer = writing(response(content, f"Content-Encoding: {encoding}"))

    with pytest.raises(ActionFailed, match="can't be read") as raised:
        await output(actions, receiver)

    assert raised.value.definite


async def test_the_answer_to_head_has_no_body(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")

    assert (await output(actions, receiver, method="HEAD"))["body"] is None


async def test_a_cap_that_was_written_as_a_float_is_that_cap(actions: Actions, receiver: Receiver) -> None:
    receiver.answer = writing(response(b"12345"))

    answer = await output(actions, receiver, max_response_bytes=3.0)

    assert (answer["body"], answer["truncated"]) == ("123", True)


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [
        ("3", 3, 3),
        (" 120 ", 120, 120),
        ("0", 0, 0),
        ("9" * 400, 999_999_999, 999_999_999),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0, 0),
        ("-3", 0, 0),
        ("1.5", 0, 0),
        ("soon", 0, 0),
        ("٣", 0, 0),
        ("", 0, 0),
    ],
)
def test_retry_after_is_read_in_both_its_forms(written: str, least: float, most: float) -> None:
    answer = httpx.Response(503, headers=[(b"retry-after", written.encode())])

    assert least <= retry_after(answer) <= most


def test_retry_after_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    assert 3500 <= retry_after(httpx.Response(503, headers={"retry-after": date})) <= 3600
