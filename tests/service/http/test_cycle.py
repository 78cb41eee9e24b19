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


async def sent(
    kind: type[RequestResponseCycle],
    fields: Fields,
    *,
    status: int = 200,
    body: bytes = b"{}",
    method: str = "GET",
    keep_alive: bool = True,
) -> bytes:
    transport = Written()
    scope: Any = {"type": "http", "method": method, "http_version": "1.1", "path": "/"}
    cycle = kind(
        scope=scope,
        transport=transport,
        flow=FlowControl(transport),
        logger=logging.getLogger("test"),
        access_logger=logging.getLogger("test"),
        access_log=False,
        default_headers=[(b"date", b"today")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )
    await cycle.send({"type": "http.response.start", "status": status, "headers": fields})
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
