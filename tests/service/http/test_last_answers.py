"""Last answers on a connection: which one it is when the process stops, or when what follows is refused."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from automation.service.http import protocol as of_protocol
from automation.service.http.connections import Connections
from tests.service.http.conversations import BOUNDS, CHUNKED, Conversation, conversation

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWERS = re.compile(rb"HTTP/1\.1 (?=\d{3} )")
BROKEN = b"no request\r\n\r\n"
BROKEN_BODY = CHUNKED[:-6] + b"no length\r\n"


class Patient:
    """An application that answers when it is let, and notes what it is asked and that nobody waits any more."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told: list[str] = []
        self.open = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        if scope["method"] == "POST":
            while (message := await receive())["type"] == "http.request" and message["more_body"]:
                pass
            self.told.append(message["type"])
        await self.open.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Talk:
    """A conversation with a patient application, on one of a process's connections."""

    def __init__(self, app: Patient, connections: Connections, made: Conversation) -> None:
        self.app, self.connections, self.made = app, connections, made

    async def hear(self, data: bytes) -> None:
        """Receive data, and let the application see it."""
        self.made.protocol.data_received(data)
        await asyncio.sleep(0)

    async def answers(self) -> list[tuple[bytes, bool]]:
        """Let it answer; return the status of each answer, and whether it says that it is the last one."""
        self.app.open.set()
        answers = ANSWERS.split(await self.made.answer())[1:]
        return [(answer[:3], b"connection: close" in answer) for answer in answers]


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    app, connections = Patient(), Connections(BOUNDS)
    async with conversation(app, connections=connections) as made:
        yield Talk(app, connections, made)


async def test_the_answer_that_is_due_when_the_process_stops_is_the_last_one(talk: Talk) -> None:
    await talk.hear(GET % 1)

    talk.connections.finish()

    assert await talk.answers() == [(b"204", True)]


async def test_where_none_is_due_the_next_one_is_the_last(talk: Talk) -> None:
    talk.connections.finish()
    await talk.hear(GET % 1)

    assert await talk.answers() == [(b"204", True)]


@pytest.mark.parametrize("times", [1, 2])
async def test_whoever_asks_behind_it_is_answered_as_well_however_often_all_are_told(talk: Talk, times: int) -> None:
    await talk.hear(GET % 1)
    for _ in range(times):
        talk.connections.finish()
    await talk.hear(GET % 2 + GET % 3)

    assert await talk.answers() == [(b"204", False), (b"204", False), (b"204", True)]
    assert talk.app.asked == ["/1", "/2", "/3"]


async def test_one_that_its_client_asked_to_be_the_last_stays_so(talk: Talk) -> None:
    await talk.hear(GET[:-2] % 1 + b"Connection: close\r\n\r\n")
    talk.connections.finish()
    talk.connections.finish()

    assert await talk.answers() == [(b"204", True)]


async def test_one_whose_answer_has_begun_is_not_said_to_be_the_last() -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        begun.set()
        await goes_on.wait()
        await send({"type": "http.response.body", "body": b""})

    connections = Connections(BOUNDS)
    async with conversation(slow, connections=connections) as made:
        made.protocol.data_received(GET % 1)
        await begun.wait()
        connections.finish()
        goes_on.set()
        made.protocol.data_received(GET % 2)

        answers = ANSWERS.split(await made.answer())[1:]

    assert [b"connection: close" in answer for answer in answers] == [False, True]


async def test_one_with_a_request_is_not_closed_with_its_process(talk: Talk) -> None:
    await talk.hear(GET % 1)

    talk.made.protocol.shutdown()

    assert not talk.made.protocol.transport.is_closing()


async def test_one_that_is_closed_already_is_not_looked_into(talk: Talk) -> None:
    talk.made.protocol.transport.abort()
    await asyncio.sleep(0)

    talk.made.protocol.shutdown()

    assert talk.made.protocol.transport.is_closing()


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("following", [BROKEN, BROKEN_BODY])
async def test_what_is_refused_is_not_answered_in_the_place_of_an_earlier_request(
    talk: Talk, count: int, following: bytes
) -> None:
    await talk.hear(b"".join(GET % number for number in range(count)) + following)

    answers = await talk.answers()

    assert [status for status, _ in answers] == [b"204"] * count
    assert talk.app.asked == [f"/{number}" for number in range(count)]


async def test_whoever_sends_what_is_refused_behind_a_request_learns_which_answer_is_the_last(talk: Talk) -> None:
    await talk.hear(GET % 1 + GET % 2 + BROKEN)

    assert await talk.answers() == [(b"204", False), (b"204", True)]


async def test_what_is_refused_after_an_answer_is_answered_once_and_then_nothing_is_read(talk: Talk) -> None:
    talk.app.open.set()
    await talk.hear(GET % 1)
    with capture_logs() as logs:
        await talk.hear(BROKEN)
        await talk.hear(BROKEN + GET % 2)

    assert [status for status, _ in await talk.answers()] == [b"204", b"400"]
    assert [(line["status"], line["code"]) for line in logs] == [(400, "malformed_request")]
    assert talk.app.asked == ["/1"]
    assert talk.made.protocol._deadline is None


async def test_whoever_reads_a_body_that_breaks_learns_that_it_ends(talk: Talk) -> None:
    talk.app.open.set()
    await talk.hear(CHUNKED)
    await talk.hear(b"no length\r\n")
    await asyncio.sleep(0)

    assert talk.app.told == ["http.disconnect"]


async def test_a_refusal_ends_before_the_connection_is_closed(talk: Talk) -> None:
    await talk.hear(BROKEN)

    assert [status for status, _ in await talk.answers()] == [b"400"]
    assert not talk.made.protocol.transport.is_closing(), "what was not read yet would have the answer lost"


async def test_what_was_refused_is_closed_after_that(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_protocol, "_LINGERING", 0)

    await talk.hear(BROKEN)
    for _ in range(3):
        await asyncio.sleep(0)

    assert talk.made.protocol.transport.is_closing()
