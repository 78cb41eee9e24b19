"""A connection's writes leave in as few pieces as they can."""

import asyncio
import socket
import struct
from typing import Any

import uvloop

from automation.service.http.joined_writes import LIMIT, JoinedWrites


class Pieces(asyncio.Transport):
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes | str] = []

    def write(self, data: "bytes | bytearray | memoryview") -> None:
        self.sent.append(bytes(data))

    def write_eof(self) -> None:
        self.sent.append("eof")

    def close(self) -> None:
        self.sent.append("closed")

    def abort(self) -> None:
        self.sent.append("aborted")

    def is_closing(self) -> bool:
        return "closed" in self.sent or "aborted" in self.sent

    def get_write_buffer_size(self) -> int:
        return 100


class Late(asyncio.Protocol):
    """A connection that is written to in the turn in which it is lost, as by a request that is just being answered."""

    def __init__(self, lost: "asyncio.Future[Exception | None]") -> None:
        self._lost = lost

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # it is one for TCP
        self._joined = JoinedWrites(transport, self._lost.get_loop())

    def connection_lost(self, exc: Exception | None) -> None:
        self._joined.write(b"answer")
        self._lost.get_loop().call_soon(self._lost.set_result, exc)


async def test_a_head_and_its_body_leave_in_one_piece() -> None:
    transport = Pieces()
    joined = JoinedWrites(transport, asyncio.get_running_loop())

    joined.write(b"head")
    joined.write(b"body")
    before = list(transport.sent)
    await asyncio.sleep(0)

    assert before == []
    assert transport.sent == [b"headbody"]


async def test_what_is_written_later_leaves_later() -> None:
    transport = Pieces()
    joined = JoinedWrites(transport, asyncio.get_running_loop())

    joined.write(b"one")
    await asyncio.sleep(0)
    joined.write(b"two")
    await asyncio.sleep(0)

    assert transport.sent == [b"one", b"two"]


async def test_nothing_large_is_kept_waiting() -> None:
    transport = Pieces()
    joined = JoinedWrites(transport, asyncio.get_running_loop())
    large = bytes(LIMIT)

    joined.write(b"head")
    joined.write(large)

    assert transport.sent == [b"head" + large]


async def test_everything_is_sent_before_the_end() -> None:
    transport = Pieces()
    joined = JoinedWrites(transport, asyncio.get_running_loop())

    joined.write(b"last")
    joined.write_eof()
    joined.write(b"")
    joined.close()
    await asyncio.sleep(0)

    assert transport.sent == [b"last", "eof", b"", "closed"]
    assert joined.is_closing()


async def test_lines_do_not_overtake_what_waits() -> None:
    transport = Pieces()
    joined = JoinedWrites(transport, asyncio.get_running_loop())

    joined.write(b"head")
    joined.writelines([b"one", b"two"])
    joined.write(b"end")
    await asyncio.sleep(0)

    assert transport.sent == [b"headonetwoend"]


async def test_what_waits_counts_as_buffered() -> None:
    joined = JoinedWrites(Pieces(), asyncio.get_running_loop())

    joined.write(b"head")

    assert joined.get_write_buffer_size() == 104


async def test_what_waits_is_dropped_when_the_connection_is_aborted() -> None:
    transport = Pieces()
    joined = JoinedWrites(transport, asyncio.get_running_loop())

    joined.write(b"head")
    joined.abort()
    await asyncio.sleep(0)

    assert transport.sent == ["aborted"]


def test_what_waits_is_dropped_when_the_client_resets_the_connection() -> None:
    complaints: list[dict[str, Any]] = []

    async def reset() -> Exception | None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, complaint: complaints.append(complaint))
        lost: asyncio.Future[Exception | None] = loop.create_future()
        async with await loop.create_server(lambda: Late(lost), "127.0.0.1", 0) as server:
            with socket.create_connection(server.sockets[0].getsockname()) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return await asyncio.wait_for(lost, timeout=10)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        error = runner.run(reset())

    assert isinstance(error, ConnectionResetError)
    assert complaints == []


async def test_as_much_as_may_wait_is_sent_at_once_and_waits_no_more() -> None:
    transport = Pieces()
    joined = JoinedWrites(transport, asyncio.get_running_loop())
    sent = []
    for piece in (b"x" * (LIMIT - 1), b"x"):
        joined.write(piece)
        sent.append((len(transport.sent), joined.get_write_buffer_size()))

    assert sent == [(0, 100 + LIMIT - 1), (1, 100)]
