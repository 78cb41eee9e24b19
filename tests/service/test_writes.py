"""What a connection writes, and in how many pieces it leaves."""

import asyncio

from automation.service.writes import LIMIT, JoinedWrites


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

    def is_closing(self) -> bool:
        return "closed" in self.sent


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
