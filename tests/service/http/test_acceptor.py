"""Acceptor of connections: what it takes from the queue, how it rests without descriptors, and what it leaves."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from automation.service.http import acceptor as of_acceptor
from automation.service.http.acceptor import Acceptor

NONE_LEFT = OSError(errno.EMFILE, "no descriptor left")
NONE = BlockingIOError()


class Listener(socket.socket):
    """A socket that listens, and raises what it is told to before it accepts; it counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.listen()
        self.raises: list[OSError] = []
        self.asked = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.raises:
            raise self.raises.pop(0)
        return super().accept()


class Taken(asyncio.Protocol):
    """A connection that was taken."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


class Desk:
    """An acceptor, its listener and what it has taken."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.taken: list[Taken] = []
        self.acceptor = Acceptor(listener, self._take)
        self.clients: list[socket.socket] = []
        self.came = asyncio.Event()

    def _take(self) -> Taken:
        self.came.set()
        self.taken.append(Taken())
        return self.taken[-1]

    def connect(self) -> None:
        """Have one more connection in the queue."""
        self.clients.append(socket.create_connection(self.listener.getsockname()))

    async def settle(self) -> None:
        """Let all that was taken begin."""
        if self.acceptor._beginning:
            await asyncio.wait(self.acceptor._beginning)

    @property
    def is_watched(self) -> bool:
        """Whether the loop looks at the listener."""
        loop = asyncio.get_running_loop()
        watched = loop.remove_reader(self.listener.fileno())
        if watched:
            self.acceptor._resume()
        return watched


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
async def desk(listener: Listener) -> AsyncIterator[Desk]:
    made = Desk(listener)
    yield made
    await made.settle()
    for each in made.taken:
        each.transport.abort()
    for client in made.clients:
        client.close()
    if listener.fileno() >= 0:
        asyncio.get_running_loop().remove_reader(listener.fileno())
    await asyncio.sleep(0)


async def test_whoever_comes_is_taken_and_sent_to_at_once(desk: Desk) -> None:
    desk.listener.setblocking(True)
    desk.acceptor.start()
    assert not desk.listener.getblocking()
    desk.connect()
    await asyncio.wait_for(desk.came.wait(), 10)
    await desk.settle()

    (taken,) = desk.taken
    connection = taken.transport.get_extra_info("socket")
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not desk.acceptor._beginning


async def test_all_that_wait_are_taken_in_one_go(desk: Desk) -> None:
    for _ in range(3):
        desk.connect()

    desk.acceptor._accept_some()
    await desk.settle()

    assert (len(desk.taken), desk.listener.asked) == (3, 4)


async def test_no_more_are_taken_in_a_row_than_leave_some_to_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_acceptor, "_AT_ONCE", 2)
    for _ in range(3):
        desk.connect()

    desk.acceptor._accept_some()
    await desk.settle()

    assert len(desk.taken) == 2


@pytest.mark.parametrize(
    ("raised", "taken"),
    [(NONE, 0), (InterruptedError(), 0), (ConnectionAbortedError(), 1), (NONE_LEFT, 0)],
    ids=["nobody", "a signal", "one that has gone", "no descriptor"],
)
async def test_one_that_has_gone_is_passed_over_and_all_else_ends_the_look(
    desk: Desk, raised: OSError, taken: int
) -> None:
    desk.acceptor.start()
    desk.connect()
    desk.listener.raises = [raised]

    desk.acceptor._accept_some()
    await desk.settle()

    assert len(desk.taken) == taken
    assert desk.is_watched is (raised is not NONE_LEFT)


async def test_a_connection_that_has_gone_as_it_begins_is_nobodys_trouble(desk: Desk) -> None:
    with socket.socket() as gone:
        gone.close()

        await desk.acceptor._begin(gone)

    assert desk.taken == []


async def test_without_descriptors_the_queue_is_left_alone_for_a_moment_and_then_looked_at(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_acceptor, "_PAUSE_SECONDS", 0)
    desk.acceptor.start()
    desk.listener.raises = [NONE_LEFT, NONE_LEFT]

    desk.acceptor._accept_some()
    pause = desk.acceptor._paused
    desk.acceptor._accept_some()
    rests = not desk.is_watched
    assert pause is desk.acceptor._paused
    for _ in range(3):
        await asyncio.sleep(0)

    assert rests
    assert desk.acceptor._paused is None
    assert desk.is_watched


async def test_that_there_is_no_descriptor_is_told_once_in_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    looks = [0.0, 1.0, of_acceptor._SILENT_SECONDS - 0.5, of_acceptor._SILENT_SECONDS, of_acceptor._SILENT_SECONDS + 1]
    with capture_logs() as logs, monkeypatch.context() as clock:
        told = []
        for seconds in looks:
            clock.setattr(loop, "time", lambda seconds=seconds: 1024 + seconds)
            desk.listener.raises = [NONE_LEFT]
            desk.acceptor._accept_some()
            told.append(len(logs))
    if desk.acceptor._paused is not None:
        desk.acceptor._paused.cancel()

    assert told == [1, 1, 1, 2, 2]
    assert logs[0]["event"] == "no connections taken"


async def test_what_waits_in_the_queue_is_taken_before_it_is_closed_and_has_begun_by_then(desk: Desk) -> None:
    desk.acceptor.start()
    for _ in range(3):
        desk.connect()
    desk.listener.raises = [ConnectionAbortedError()]

    await desk.acceptor.close()

    assert [hasattr(each, "transport") for each in desk.taken] == [True] * 3
    assert desk.listener.fileno() == -1


async def test_one_that_rests_is_closed_for_good(desk: Desk) -> None:
    desk.acceptor.start()
    desk.listener.raises = [NONE_LEFT]
    desk.acceptor._accept_some()
    pause = desk.acceptor._paused

    await desk.acceptor.close()

    assert pause is not None
    assert pause.cancelled()
    assert desk.taken == []


async def test_the_loop_looks_no_more_at_one_that_is_closed(desk: Desk) -> None:
    desk.acceptor.start()
    watched = desk.listener.fileno()

    await desk.acceptor.close()

    assert not asyncio.get_running_loop().remove_reader(watched)
