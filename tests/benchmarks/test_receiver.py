"""The receiver keeps a connection for the next call, unless its client wants no more of them."""

import asyncio

from benchmarks.receiver import Receiver, receiving

CALL = "POST /{name} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: {connection}\r\n\r\n{{}}"


async def say(receiver: Receiver, *calls: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    writer.write("".join(calls).encode())
    said = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return said


async def test_calls_of_one_connection_are_answered_and_noted_each() -> None:
    async with receiving() as receiver:
        first, last = CALL.format(name="a", connection="keep-alive"), CALL.format(name="b", connection="close")

        said = await say(receiver, first, last)

    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert set(receiver.arrivals) == {"a", "b"}


async def test_a_client_that_closes_gets_one_answer() -> None:
    async with receiving() as receiver:
        said = await say(receiver, CALL.format(name="a", connection="close"), CALL.format(name="b", connection="close"))

    assert said.count(b"HTTP/1.1 200 OK") == 1
    assert set(receiver.arrivals) == {"a"}
