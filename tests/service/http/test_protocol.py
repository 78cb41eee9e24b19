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
        await asyncio.sleep(0)
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


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
IDLE: dict[str, tuple[list[bytes], bool, bool]] = {
    "nothing has come": ([], True, False),
    "an empty line has begun": ([b"\r"], False, True),
    "a head has begun": ([GET[:1]], False, True),
    "a head is in its middle": ([GET[:9], GET[9:20]], False, True),
    "a body is to come": ([POST], False, False),
    "a request was answered": ([GET], True, False),
    "one that came in pieces was": ([GET[:9], GET[9:]], True, False),
    "the next one has begun": ([GET, GET[:9]], False, True),
    "the next one began with its end": ([GET + GET[:9]], False, True),
    "what came was refused": ([b"no request\r\n\r\n"], True, False),
    "a head was refused": ([b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n"], True, False),
}
"""What has come, whether the connection is without a request then, and whether there is a time until which it waits."""


@pytest.mark.parametrize("name", IDLE)
async def test_one_is_without_a_request_where_none_has_begun_nor_waits_for_its_answer(name: str) -> None:
    pieces, idle, has_deadline = IDLE[name]
    async with conversation() as made:
        for piece in pieces:
            made.protocol.data_received(piece)
            for _ in range(3):
                await asyncio.sleep(0)

        assert (made.protocol.idle, made.protocol._deadline is not None) == (idle, has_deadline)


async def test_one_that_waits_for_its_answer_is_not_without_a_request() -> None:
    async with conversation() as made:
        made.protocol.data_received(GET)

        assert not made.protocol.idle


async def test_the_next_request_that_began_before_an_answer_has_the_time_that_headers_have() -> None:
    async with conversation() as made, asyncio.timeout(10):
        made.protocol.data_received(GET + GET[:9])
        assert b" 204 " in await asyncio.get_running_loop().sock_recv(made.client, 65536)

        assert made.protocol.timeout_keep_alive_task is None


@pytest.mark.parametrize("begun", [b"", GET[:9]])
async def test_one_that_has_ended_is_counted_no_more_and_nothing_is_waited_for(begun: bytes) -> None:
    connections = Connections(BOUNDS)
    async with conversation(connections=connections) as made:
        open_before = set(connections._open), dict(connections._addresses)
        made.protocol.data_received(begun)
        deadline = made.protocol._deadline
        made.protocol.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)

        assert open_before == ({made.protocol}, {"": 1})
        assert (connections._open, connections._addresses, connections._refusals) == (set(), {}, 0)
        assert made.protocol not in made.protocol.connections
        assert deadline is None or deadline.cancelled()


async def test_answers_that_waited_for_their_reader_go_on() -> None:
    async with conversation() as made:
        made.protocol.pause_writing()
        made.protocol.resume_writing()

        assert not made.protocol.flow.write_paused
