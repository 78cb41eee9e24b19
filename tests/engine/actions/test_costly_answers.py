"""Answers that cost more to read than they hold: each is bounded in pieces and bytes, and holds nobody else up.

A receiver writes its answer for as long as it is read. Nothing here depends on how long that takes.
"""

import asyncio
import gzip
from collections.abc import Callable

import pytest

from automation.engine.actions import ActionFailed, Actions, transport, webhook_response
from automation.engine.actions.content_coding import MOST_MEMBERS
from automation.engine.actions.transport import BYTES_OF_A_PIECE, MOST_INTERIM, MOST_LINES, MOST_PIECES
from automation.engine.actions.webhook_request import MAX_RESPONSE_BYTES
from tests.engine.actions.calls import a_call
from tests.engine.actions.receiver import Answer, Receiver, response, writing

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EMPTY_BLOCK = b"\0\0\0\xff\xff"
"""A stored block of deflate with nothing in it."""


def endless(head: bytes, piece: bytes) -> Answer:
    """Answer with a head, and then with a piece again and again until nobody reads any more."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        try:
            while True:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass

    return answer


def chunk(content: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(content), extension, content)


def lines(number: int) -> list[str]:
    return ["A: b"] * number


async def refused(actions: Actions, receiver: Receiver, answer: Answer) -> ActionFailed:
    """Return why an answer is not taken, which is not that the time was over."""
    receiver.answer = answer
    with pytest.raises(ActionFailed) as failed:
        await actions.run("webhook_call", {"url": receiver.url}, a_call(seconds=60))
    assert failed.value.retryable
    assert len(receiver.received) == 1
    return failed.value


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (endless(CHUNKED + b"\r\n", chunk(b"x") * 2000), "it comes in too many pieces"),
        (
            writing(CHUNKED + b"\r\n", chunk(b"x" * (BYTES_OF_A_PIECE // 4)) * (MOST_PIECES * 2), chunk(b"")),
            "it comes in too many pieces",
        ),
        (
            endless(
                CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunk(gzip.compress(b"")[:10]), chunk(EMPTY_BLOCK) * 2000
            ),
            "it comes in too many pieces",
        ),
        (
            endless(
                CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunk(gzip.compress(b"")[:10]), chunk(EMPTY_BLOCK * 2000)
            ),
            "it is larger as it is encoded than it may be decoded",
        ),
        (endless(CHUNKED + b"\r\n", chunk(b"x", b";" + b"e" * 20_000) * 10), "there is too much around its body"),
        (
            writing(response(gzip.compress(b"") * (MOST_MEMBERS + 1), "Content-Encoding: gzip")),
            "it has too many parts of its encoding",
        ),
    ],
    ids=["chunks", "small chunks", "empty blocks", "large empty blocks", "extensions", "members"],
)
async def test_an_answer_that_never_says_anything_is_refused_at_a_bound(
    actions: Actions, receiver: Receiver, answer: Answer, why: str
) -> None:
    """Its status was read, and so it is known that the call arrived."""
    failed = await refused(actions, receiver, answer)

    assert why in str(failed)
    assert failed.definite


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (endless(b"", CONTINUE * 1000), "too many interim answers come before it"),
        (endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000), "too many interim answers"),
        (writing(CONTINUE * (MOST_INTERIM + 1), response(b"x")), "too many interim answers come before it"),
        (writing(response(b"x", *lines(MOST_LINES))), "its head has too many lines"),
        (endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 100), "its head has too many lines"),
        (endless(b"HTTP/1.1 103 Early Hints\r\n", b"A: b\r\n" * 100), "its head has too many lines"),
        (endless(b"HTTP/1.1 200 OK\r\nA: ", b"b" * 1000), "the connection was lost before its answer"),
        (endless(b"HTTP/1.1 103 Early Hints\r\nA: ", b"b" * 1000), "the connection was lost before its answer"),
        (endless(b"HTTP/1.1 ", b"2" * 1000), "the connection was lost before its answer"),
        (writing(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "the connection was lost"),
        (writing(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok"), "the connection was lost"),
        (writing(CONTINUE), "the connection was lost before its answer"),
    ],
    ids=[
        "continue",
        "hints",
        "one interim answer too many",
        "one line too many",
        "lines",
        "lines of a hint",
        "a long line",
        "a long line of a hint",
        "a long status",
        "another protocol",
        "no valid head",
        "continue alone",
    ],
)
async def test_what_fails_before_the_status_is_read_leaves_the_outcome_unknown(
    actions: Actions, receiver: Receiver, answer: Answer, why: str
) -> None:
    failed = await refused(actions, receiver, answer)

    assert why in str(failed)
    assert not failed.definite


@pytest.mark.parametrize(
    ("pieces", "members"),
    [
        ([CHUNKED + b"\r\n", chunk(b"x") * MOST_PIECES, chunk(b"")], MOST_PIECES),
        (
            [CHUNKED + b"\r\n", chunk(b"x" * BYTES_OF_A_PIECE) * (MOST_PIECES * 2), chunk(b"")],
            BYTES_OF_A_PIECE * MOST_PIECES * 2,
        ),
        ([CONTINUE * MOST_INTERIM, response(b"x")], 1),
        ([response(b"x", *lines(MOST_LINES - 1))], 1),
        ([response(gzip.compress(b"") * (MOST_MEMBERS - 1) + gzip.compress(b"x"), "Content-Encoding: gzip")], 1),
    ],
    ids=["chunks", "rows", "continue", "lines", "members"],
)
async def test_what_is_within_the_bounds_is_read_to_its_end(
    actions: Actions, receiver: Receiver, pieces: list[bytes], members: int
) -> None:
    receiver.answer = writing(*pieces)
    config = {"url": receiver.url, "max_response_bytes": MAX_RESPONSE_BYTES}

    found = (await actions.run("webhook_call", config, a_call(seconds=60))).output

    assert (found["body"], found["truncated"]) == ("x" * members, False)


async def test_others_have_their_turn_while_an_answer_is_read_that_is_there_already(
    actions: Actions, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many turns as there are stretches: the pieces have arrived, so that reading them waits for nothing."""
    turns = 0
    stretches: list[int] = []
    receive: Callable[..., None] = transport._Connection._receive

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def received(connection: object, content: bytes) -> None:
        stretches.append(turns)
        receive(connection, content)

    monkeypatch.setattr(transport._Connection, "_receive", received)
    receiver.answer = writing(CHUNKED + b"\r\n" + chunk(b"x") * MOST_PIECES + chunk(b""))
    counting = asyncio.create_task(count())

    await actions.run("webhook_call", {"url": receiver.url}, a_call(seconds=60))

    counting.cancel()
    assert turns - stretches[0] >= MOST_PIECES // 16


def test_the_room_for_coded_bytes_is_more_than_any_coding_needs() -> None:
    assert len(gzip.compress(bytes(range(256)) * 1024, compresslevel=0)) < 256 * 1024 + webhook_response.MORE_CODED
