"""Heads of requests as a connection reads them: how long they may be, in what pieces they come, and what follows."""

import asyncio
import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from automation.service.http.protocol import COUNT_LIMIT, SIZE_LIMIT
from tests.service.http.conversations import Conversation, conversation

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
LAST = GET + b"Connection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def padded(size: int, start: bytes = GET) -> bytes:
    """Return a head of so many bytes."""
    begun = start + b"X-Padding: "
    return begun + b"a" * (size - len(begun) - 4) + b"\r\n\r\n"


async def statuses(made: Conversation, *pieces: bytes) -> list[bytes]:
    """Return the statuses of all answers to what comes in these pieces, in each case in a turn of its own."""
    for piece in pieces:
        made.protocol.data_received(piece)
        await asyncio.sleep(0)
    return re.findall(rb"HTTP/1\.1 (\d{3}) ", await made.answer())


CASES: dict[str, tuple[list[bytes], list[bytes]]] = {
    "a head as long as it may be": ([padded(SIZE_LIMIT), LAST], [b"204", b"204"]),
    "a head of one byte more": ([padded(SIZE_LIMIT + 1)], [b"431"]),
    "two that are as long only together": ([padded(SIZE_LIMIT - 100), padded(1000), LAST], [b"204", b"204", b"204"]),
    "as many fields as there may be": ([GET + b"A: b\r\n" * (COUNT_LIMIT - 1) + b"\r\n", LAST], [b"204", b"204"]),
    "one field more": ([GET + b"A: b\r\n" * COUNT_LIMIT + b"\r\n"], [b"431"]),
    "a body that is longer than a head may be": (
        [POST + b"Content-Length: 200000\r\n\r\n" + b"a" * 100_000, b"a" * 100_000, LAST],
        [b"204", b"204"],
    ),
    "a long body in chunks": (
        [CHUNKED, *[b"4000\r\n" + b"a" * 0x4000 + b"\r\n"] * 6, b"0\r\n\r\n", LAST],
        [b"204", b"204"],
    ),
    "trailers as long as they may be": (
        [CHUNKED + b"0\r\n", b"A: " + b"a" * 60_000, b"\r\n\r\n", LAST],
        [b"204", b"204"],
    ),
    "trailers without an end": ([CHUNKED + b"0\r\n", b"A: " + b"a" * 2 * SIZE_LIMIT], [b"431"]),
    "what stands behind the last one": ([LAST + b"anything"], [b"204"]),
    "a minor version to come": ([GET.replace(b"1.1", b"1.7") + b"\r\n", LAST], [b"204", b"204"]),
    "a major version to come": ([GET.replace(b"1.1", b"3.0") + b"\r\n"], [b"505"]),
    "an unknown method": ([b"BREW" + GET[3:] + b"\r\n"], [b"501"]),
    "an unknown method, in pieces": ([b"BREW / HTTP/1.1\r\n", b"Host: x\r\n\r\n"], [b"501"]),
    "a transfer that is coded otherwise": ([POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"], [b"501"]),
    "a transfer in HTTP/1.0": ([CHUNKED.replace(b"1.1", b"1.0")], [b"400"]),
    "no host": ([b"GET / HTTP/1.1\r\n\r\n"], [b"400"]),
    "two hosts": ([GET + b"Host: x\r\n\r\n"], [b"400"]),
    "an upgrade, and what follows": (
        [GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + LAST],
        [b"204", b"204"],
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_head_is_taken_or_refused_by_its_form_and_size(name: str) -> None:
    pieces, answered = CASES[name]
    async with conversation() as made:
        assert await statuses(made, *pieces) == answered


EXPECTING = b"Expect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "goes_on"),
    [
        (POST + EXPECTING, True),
        (POST + b"Transfer-Encoding: chunked\r\n" + EXPECTING.replace(b"Content-Length: 1\r\n", b""), True),
        (POST.replace(b"1.1", b"1.0") + EXPECTING, False),
        (b"POST / HTTP/1.0\r\n" + EXPECTING, False),
    ],
)
async def test_only_who_speaks_a_version_that_knows_of_it_is_told_to_go_on(head: bytes, *, goes_on: bool) -> None:
    async with conversation() as made:
        made.protocol.data_received(head)
        await asyncio.sleep(0)
        made.protocol.data_received(b"1\r\na\r\n0\r\n\r\n" if b"chunked" in head else b"a")

        assert (await made.answer()).startswith(b"HTTP/1.1 100 ") is goes_on


async def test_a_body_is_passed_on_and_trailers_are_no_headers() -> None:
    told: list[object] = []

    async def telling(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        told.extend((body, *(name for name, _ in scope["headers"])))
        await send({"type": "http.response.start", "status": 204, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b""})

    async with conversation(telling) as made:
        made.protocol.data_received(CHUNKED + b"1\r\na\r\n2\r\nbc\r\n0\r\nX-Tenant: other\r\n\r\n")
        await made.answer()

    assert told == [b"abc", b"host", b"transfer-encoding"]


async def test_what_is_broken_behind_another_request_is_not_judged_by_that_ones_first_line() -> None:
    async with conversation() as made:
        with capture_logs() as logs:
            made.protocol.data_received(b"PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\nbroken\r\n\r\n")

        assert [line["code"] for line in logs] == ["malformed_request"]
