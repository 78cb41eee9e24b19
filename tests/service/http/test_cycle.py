"""The head of an answer is uvicorn's, byte for byte, however it is made; and no value can add a line to it."""

import asyncio
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from automation.service.http.cycle import Cycle

Fields = list[tuple[bytes, bytes]]

USUAL: Fields = [(b"content-type", b"application/json"), (b"etag", b'"1.2"'), (b"x-request-id", "é\t~".encode())]
LENGTH = (b"content-length", b"2")


class Written(asyncio.Transport):
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = b""

    def write(self, data: "bytes | bytearray | memoryview") -> None:
        self.bytes += data

    def close(self) -> None:
        self.bytes += b"closed"


def made(kind: type[RequestResponseCycle], transport: Written, method: str = "GET", **given: Any) -> Any:
    scope: Any = {"type": "http", "method": method, "http_version": "1.1", "path": "/", "query_string": b""}
    options = {"access_log": False, "expect_100_continue": False, "keep_alive": True, **given}
    return kind(
        scope=scope,
        transport=transport,
        flow=FlowControl(transport),
        logger=logging.getLogger("test"),
        access_logger=logging.getLogger("test"),
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        on_response=lambda: None,
        **options,
    )


def begun(fields: Fields, status: int = 200) -> Any:
    return {"type": "http.response.start", "status": status, "headers": fields}


async def sent(
    kind: type[RequestResponseCycle], fields: Fields, *, status: int = 200, body: bytes = b"{}", **given: Any
) -> bytes:
    transport = Written()
    cycle = made(kind, transport, **given)
    await cycle.send(begun(fields, status))
    await cycle.send({"type": "http.response.body", "body": body})
    assert cycle.response_complete
    return transport.bytes


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ([*USUAL, LENGTH], {}),
        ([*USUAL, LENGTH], {"method": "HEAD", "body": b""}),
        ([*USUAL, LENGTH], {"keep_alive": False}),
        (USUAL, {}),
        (USUAL, {"status": 304, "body": b""}),
        (USUAL, {"status": 204, "body": b""}),
        ([*USUAL, LENGTH, (b"connection", b"close")], {}),
        ([*USUAL, LENGTH, (b"x-other", b"own")], {}),
        ([*USUAL, LENGTH, (b"ETag", b"upper")], {}),
        ([*USUAL, (b"transfer-encoding", b"chunked")], {}),
        ([*USUAL, LENGTH, LENGTH], {}),
        ([*USUAL, (b"content-length", b" 2")], {}),
        ([*USUAL, LENGTH], {"status": 304, "method": "HEAD", "body": b""}),
    ],
    ids=str,
)
async def test_an_answer_is_the_one_that_uvicorn_would_send(fields: Fields, more: dict[str, Any]) -> None:
    assert await sent(Cycle, fields, **more) == await sent(RequestResponseCycle, fields, **more)


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"\r\n", b"a\0", b"\x7f"])
async def test_no_value_ends_its_line(value: bytes) -> None:
    with pytest.raises(RuntimeError, match="Invalid HTTP header value"):
        await sent(Cycle, [(b"etag", value), LENGTH])


@pytest.mark.parametrize("length", [b"1", b"3"])
async def test_a_body_of_another_length_than_was_told_is_broken_off(length: bytes) -> None:
    with pytest.raises(RuntimeError, match="than Content-Length"):
        await sent(Cycle, [*USUAL, (b"content-length", length)])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([*USUAL, LENGTH], 200),
        ([LENGTH, *USUAL], 500),
        ([(b"link", b"\t \x7e\x80\xff"), LENGTH], 404),
        (USUAL, 204),
        (USUAL, 304),
        ([*USUAL, LENGTH], 304),
        ([], 204),
    ],
)
async def test_a_usual_head_is_made_in_one_go(fields: Fields, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked(*_: Any) -> None:
        raise AssertionError("it was left to uvicorn")

    uvicorns = Written()
    await made(RequestResponseCycle, uvicorns).send(begun(fields, status))
    monkeypatch.setattr(RequestResponseCycle, "send", asked)
    transport = Written()

    await made(Cycle, transport).send(begun(fields, status))

    assert transport.bytes == uvicorns.bytes


async def test_a_length_that_is_none_ends_the_answer_as_uvicorn_does() -> None:
    for kind in (RequestResponseCycle, Cycle):
        cycle = made(kind, Written())

        with pytest.raises(ValueError, match="invalid literal"):
            await cycle.send(begun([(b"content-length", b"two")]))

        assert cycle.response_started


async def test_whoever_has_gone_is_sent_nothing() -> None:
    transport = Written()
    cycle = made(Cycle, transport)
    cycle.disconnected = True

    await cycle.send(begun([*USUAL, LENGTH]))

    assert transport.bytes == b""


async def test_nobody_begins_an_answer_twice() -> None:
    cycle = made(Cycle, Written())
    await cycle.send(begun([*USUAL, LENGTH]))

    with pytest.raises(RuntimeError, match="Expected ASGI message"):
        await cycle.send(begun([*USUAL, LENGTH]))


async def test_an_answer_waits_until_the_one_before_was_read() -> None:
    transport = Written()
    cycle = made(Cycle, transport)
    cycle.flow.pause_writing()
    sending = asyncio.create_task(cycle.send(begun([*USUAL, LENGTH])))
    await asyncio.sleep(0)
    before = transport.bytes

    cycle.flow.resume_writing()
    await sending

    assert before == b""
    assert transport.bytes.startswith(b"HTTP/1.1 200 ")


async def test_an_answer_is_in_uvicorns_own_log_where_that_is_on(caplog: pytest.LogCaptureFixture) -> None:
    cycle = made(Cycle, Written(), access_log=True)
    cycle.scope["client"] = ("192.0.2.1", 50000)

    with caplog.at_level(logging.INFO):
        await cycle.send(begun([*USUAL, LENGTH]))

    assert len(caplog.records) == 1


async def test_nobody_is_told_to_go_on_once_the_answer_has_begun() -> None:
    transport = Written()
    cycle = made(Cycle, transport, expect_100_continue=True)
    await cycle.send(begun([*USUAL, LENGTH]))
    cycle.disconnected = True

    await cycle.receive()

    assert b"100 Continue" not in transport.bytes
