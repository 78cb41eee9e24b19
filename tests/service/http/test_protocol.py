"""A connection between its requests and at its end, where what came and what is answered decide how it goes on."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from automation.service.http import connections as of_connections
from automation.service.http.connections import Connections
from automation.service.http.joined_writes import JoinedWrites
from automation.service.http.protocol import SIZE_LIMIT
from tests.service.http.conversations import BOUNDS, CHUNKED, conversation


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
        made.protocol.data_received(b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n")
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


async def test_where_many_are_told_so_one_more_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_connections, "_MOST_REFUSALS", 0)
    connections = Connections(replace(BOUNDS, most=0))
    async with conversation(connections=connections) as made:
        assert await made.answer() == b""
    await asyncio.sleep(0)

    assert connections._refusals == 0


async def test_one_that_was_not_turned_away_counts_as_none_that_was() -> None:
    connections = Connections(BOUNDS)
    async with conversation(connections=connections) as made:
        made.client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await made.answer()
    await asyncio.sleep(0)

    assert connections._refusals == 0


async def test_an_address_is_the_clients_own_without_its_port() -> None:
    async with conversation() as made:
        assert isinstance(made.protocol.transport, JoinedWrites)
        assert made.protocol._address == ""
        made.protocol.client = ("192.0.2.1", 50000)
        assert made.protocol._address == "192.0.2.1"
        made.protocol.client = None


@pytest.mark.parametrize("pieces", [(40, 40), (SIZE_LIMIT // 1024 - 1, 1), (1, 200)])
async def test_a_head_may_have_so_many_bytes_in_whatever_pieces_they_come(pieces: tuple[int, int]) -> None:
    first, second = (b"x" * 1024 * each for each in pieces)
    async with conversation() as made:
        made.protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + first)
        made.protocol.data_received(second + b"\r\n\r\n")

        assert (await made.answer()).startswith(b"HTTP/1.1 431 ")


async def test_what_follows_the_last_request_and_another_version_are_understood_as_such() -> None:
    async with conversation() as made:
        made.client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nanything")
        assert (await made.answer()).startswith(b"HTTP/1.1 204 ")
    async with conversation() as made:
        made.client.send(b"GET / HTTP/3.0\r\nHost: x\r\n\r\n")
        assert (await made.answer()).startswith(b"HTTP/1.1 505 ")
