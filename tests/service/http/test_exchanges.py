"""Exchanges on a connection: what the application is told of a request, and whose turn the next one is."""

import asyncio
from typing import Any

import pytest

from tests.service.http.conversations import conversation

TOLD = ("method", "http_version", "path", "raw_path", "query_string")

REQUESTS: dict[bytes, tuple[object, ...]] = {
    b"GET /a HTTP/1.1": ("GET", "1.1", "/a", b"/a", b""),
    b"PUT /a%20b%2Fc?x=%20&y HTTP/1.1": ("PUT", "1.1", "/a b/c", b"/a%20b%2Fc", b"x=%20&y"),
    b"GET /a?%20 HTTP/1.0": ("GET", "1.0", "/a", b"/a", b"%20"),
}


class Telling:
    """An application that notes what it is told, and answers when it is let."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.open = asyncio.Event()

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.told.append(tuple(scope[name] for name in TOLD))
        await self.open.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("line", REQUESTS)
async def test_the_application_is_told_what_was_asked(line: bytes) -> None:
    app = Telling()
    app.open.set()
    async with conversation(app) as made:
        made.client.send(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        await made.answer()

    assert app.told == [REQUESTS[line]]


async def test_one_of_the_former_version_is_the_last_one_whatever_it_asks_for() -> None:
    app = Telling()
    app.open.set()
    async with conversation(app) as made:
        made.client.send(b"GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")

        assert b"connection: close" in (await made.answer()).lower()


async def test_the_next_request_waits_for_the_answer_to_the_one_before_and_nothing_more_is_read() -> None:
    app = Telling()
    async with conversation(app) as made:
        for path in (b"/1", b"/2"):
            made.protocol.data_received(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0)
        begun, paused = [path for _, _, path, _, _ in app.told], made.protocol.flow.read_paused
        app.open.set()
        made.protocol.finish()
        answers = await made.answer()

    assert (begun, paused) == (["/1"], True)
    assert [path for _, _, path, _, _ in app.told] == ["/1", "/2"]
    assert answers.count(b"HTTP/1.1 204 ") == 2
