"""Silence on a connection: how long it may last, before a request, within one and while an answer is read."""

import asyncio
from dataclasses import replace

import pytest

from automation.service.http.connections import Connections
from automation.service.http.protocol import TIME_LIMIT, Protocol
from tests.service.http.conversations import BOUNDS, CHUNKED, Conversation, conversation

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
A_MOMENT = 1e-3


def lives_at(protocol: Protocol, seconds: float) -> bool:
    """Return whether a connection lives on so many seconds after it, or its request, began."""
    protocol.expire(protocol._since + seconds, BOUNDS)
    return not protocol.transport.is_closing()


async def answered(made: Conversation) -> None:
    """Read an answer without a body."""
    async with asyncio.timeout(10):
        assert b" 204 " in await asyncio.get_running_loop().sock_recv(made.client, 65536)


async def test_one_on_which_nothing_comes_is_closed() -> None:
    async with conversation() as made:
        lives = [lives_at(made.protocol, seconds) for seconds in (10, 10 + A_MOMENT)]

        assert await made.answer() == b""

    assert lives == [True, False]


async def test_one_on_which_a_request_has_begun_has_the_time_that_headers_have() -> None:
    async with conversation() as made:
        made.protocol.data_received(GET[:1])
        deadline = made.protocol._deadline
        made.protocol.data_received(GET[1:5])

        assert lives_at(made.protocol, 10 + A_MOMENT)
        assert deadline is not None
        assert deadline is made.protocol._deadline
        assert 0 <= asyncio.get_running_loop().time() + TIME_LIMIT - deadline.when() <= TIME_LIMIT
        made.protocol.data_received(GET[5:])
        assert deadline.cancelled()
        await answered(made)


async def test_headers_whose_time_is_over_are_not_waited_for() -> None:
    async with conversation() as made:
        made.protocol.data_received(GET[:5])

        made.protocol._expire()

        assert await made.answer() == b""
        made.protocol.data_received(GET[5:])
        assert made.protocol.cycle is None


async def test_one_that_is_kept_for_the_next_request_is_left_to_whoever_keeps_it() -> None:
    async with conversation() as made:
        made.protocol.data_received(GET)
        await answered(made)

        assert lives_at(made.protocol, 10 + A_MOMENT)


async def test_a_body_has_its_time_and_that_of_each_byte_that_has_come() -> None:
    async with conversation() as made:
        made.protocol.data_received(CHUNKED)
        lives = [lives_at(made.protocol, 11)]
        made.protocol.data_received(b"2\r\naa\r\n")
        lives += [lives_at(made.protocol, seconds) for seconds in (13, 13 + A_MOMENT)]

        assert await made.answer() == b""

    assert lives == [True, True, False]


async def test_each_body_has_a_time_of_its_own() -> None:
    connections = Connections(BOUNDS)
    async with conversation(connections=connections) as made:
        made.protocol.data_received(CHUNKED.replace(b"1\r\na", b"5\r\naaaaa") + b"0\r\n\r\n")
        await answered(made)
        connections.now += 100
        made.protocol.data_received(CHUNKED[:-6])

        assert made.protocol._since == connections.now
        assert [lives_at(made.protocol, seconds) for seconds in (10, 10 + A_MOMENT)] == [True, False]


async def test_a_body_that_is_not_read_any_more_is_not_waited_for_twice() -> None:
    async with conversation() as made:
        made.protocol.data_received(CHUNKED + b"0\r\n\r\nno request\r\n\r\n")

        assert lives_at(made.protocol, 10 + A_MOMENT)
        await answered(made)


# What is unsent and when, in seconds; the last look is the one that ends the connection, or doesn't.
UNREAD: dict[str, tuple[list[tuple[float, int]], bool]] = {
    "nobody has had the time to read": ([(0, 100), (10, 100)], True),
    "too little is read in the time": ([(0, 100), (10 + A_MOMENT, 91)], False),
    "enough is read": ([(0, 100), (10 + A_MOMENT, 90)], True),
    "enough is read, and too little next": ([(0, 100), (11, 80), (22, 71)], False),
    "enough is read each time": ([(0, 100), (11, 90), (22, 80)], True),
    "all is read before there is more": ([(0, 100), (9, 0), (11, 100)], True),
    "all is read, and then nothing": ([(0, 100), (9, 0), (10, 100), (20 + A_MOMENT, 100)], False),
}


@pytest.mark.parametrize("name", UNREAD)
async def test_answers_are_read_at_the_slowest_pace_or_never_sent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, stays = UNREAD[name]
    async with conversation() as made:
        made.protocol.data_received(GET)
        await answered(made)
        lives = []
        for seconds, size in looks:
            monkeypatch.setattr(made.protocol.transport, "get_write_buffer_size", lambda size=size: size)
            lives.append(lives_at(made.protocol, seconds))

    assert lives == [True] * (len(looks) - 1) + [stays]


@pytest.mark.parametrize("begin_anew", ["resume_writing", "data_received"])
async def test_what_is_unread_is_judged_anew(begin_anew: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with conversation() as made:
        made.protocol.data_received(GET)
        await answered(made)
        monkeypatch.setattr(made.protocol.transport, "get_write_buffer_size", lambda: 100)
        lives_at(made.protocol, 0)
        made.protocol.flow.pause_writing()
        getattr(made.protocol, begin_anew)(*([GET] if begin_anew == "data_received" else []))

        assert lives_at(made.protocol, 10 + A_MOMENT)


async def test_each_is_looked_at_once_a_beat() -> None:
    connections = Connections(replace(BOUNDS, first_byte_seconds=0))
    async with conversation(connections=connections) as made:
        connections.now = -1
        watching = asyncio.create_task(connections.watch())

        assert await made.answer() == b""
        watching.cancel()

    assert connections.now > 0
