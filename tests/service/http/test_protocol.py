"""A connection between its requests and at its end, where what came and what is answered decide how it goes on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from automation.service.connection_bounds import Bounds
from automation.service.http import connections as of_connections
from automation.service.http.connections import Connections
from automation.service.http.hosts import Hosts
from automation.service.http.protocol import Protocol

BOUNDS = Bounds(
    first_byte_seconds=10.0, body_seconds=10.0, write_seconds=10.0, slowest_rate=1, most=9, most_per_address=9
)
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"


async def reading(_scope: Any, receive: Any, send: Any) -> None:
    """Answer once the whole body has come."""
    while (message := await receive())["type"] == "http.request" and message["more_body"]:
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Conversation:
    """A client's end of a connection, and the protocol at the other."""

    client: socket.socket
    protocol: Protocol

    async def answer(self) -> bytes:
        """Return what comes until the connection ends."""
        loop, answer = asyncio.get_running_loop(), b""
        async with asyncio.timeout(10):
            while piece := await loop.sock_recv(self.client, 65536):
                answer += piece
        return answer


@asynccontextmanager
async def conversation(
    app: Any = reading, bounds: Bounds = BOUNDS, connections: Connections | None = None
) -> AsyncIterator[Conversation]:
    loop = asyncio.get_running_loop()
    theirs, ours = socket.socketpair()
    theirs.setblocking(False)
    config = Config(app, lifespan="off", log_config=None, access_log=False)
    config.load()
    protocol = Protocol(
        config=config,
        server_state=ServerState(),
        app_state={},
        hosts=Hosts(),
        connections=connections or Connections(bounds),
    )
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, ours)
    try:
        yield Conversation(theirs, protocol)
    finally:
        transport.abort()
        theirs.close()


async def test_one_without_a_request_is_closed_with_its_process() -> None:
    async with conversation() as made:
        made.protocol.shutdown()

        assert await made.answer() == b""


async def test_what_has_come_and_was_not_read_yet_is_answered_before_its_process_ends() -> None:
    async with conversation() as made:
        made.client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        made.protocol.shutdown()  # in the turn in which the loop has not looked yet

        assert (await made.answer()).startswith(b"HTTP/1.1 204 ")


async def test_a_body_that_breaks_is_answered_where_nothing_was_answered_yet() -> None:
    async with conversation() as made:
        made.client.send(CHUNKED + b"no length\r\n")

        assert (await made.answer()).startswith(b"HTTP/1.1 400 ")


async def test_a_body_that_breaks_after_its_answer_has_begun_gets_no_second_one() -> None:
    begun = asyncio.Event()

    async def hasty(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        begun.set()
        while (await receive())["type"] == "http.request":
            pass

    async with conversation(hasty) as made:
        made.client.send(CHUNKED)
        await begun.wait()
        made.client.send(b"no length\r\n")

        assert (await made.answer()).count(b"HTTP/1.1 ") <= 1


async def test_one_too_many_is_told_so_and_what_it_asks_is_not_looked_at() -> None:
    asked: list[str] = []

    async def noting(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(scope["path"])

    async with conversation(noting, replace(BOUNDS, most=0)) as made:
        made.client.send(b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await made.answer()

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert asked == []


async def test_whoever_was_told_so_leaves_room_for_the_next_one_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_connections, "_MOST_REFUSALS", 1)
    connections = Connections(replace(BOUNDS, most=0))
    answers = []
    for _ in range(2):
        async with conversation(connections=connections) as made:
            answers.append(await made.answer())
        await asyncio.sleep(0.05)

    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 503"] * 2


async def test_one_that_is_kept_is_not_ended_for_its_silence_once_the_next_request_has_begun() -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    async with conversation() as made, asyncio.timeout(10):
        made.client.send(request)
        assert b" 204 " in await asyncio.get_running_loop().sock_recv(made.client, 65536)
        silence = made.protocol.timeout_keep_alive_task

        made.protocol.data_received(request[:5])

        assert silence is not None
        assert silence.cancelled()
