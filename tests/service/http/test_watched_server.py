"""Watched server that starts and stops: what it does in which order, and what it waits for, alone and beside others."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from automation.service import logs, process_memory
from automation.service.connection_bounds import Bounds
from automation.service.http import watched_server as of_server
from automation.service.http.acceptor import Acceptor
from automation.service.http.listener import SETTLING_SECONDS
from automation.service.http.watched_server import _PATIENCE, HURRY, IDLE_SECONDS, READINESS, WatchedServer
from automation.service.watchdog import Limits
from tests.service.http.households import MOST_LOOKS

LIMITS = Limits(warn_seconds=1.0, kill_seconds=10.0)
BOUNDS = Bounds(first_byte_seconds=1, body_seconds=1, write_seconds=1, slowest_rate=1, most=1, most_per_address=1)
CONFIG = uvicorn.Config("nowhere:nothing", log_config=None)


class Stopping(WatchedServer):
    """A server that notes for how long it waits, and whether it would be over at once; ``then`` happens meanwhile."""

    def __init__(self, *, shared: bool, then: Callable[[WatchedServer], None] = lambda _server: None) -> None:
        super().__init__(CONFIG, LIMITS, BOUNDS, shared=shared)
        self.waits: list[tuple[float, bool, bool]] = []
        self._then = then

    async def _wait(self, seconds: float, *, until: Callable[[], bool]) -> None:
        before = until()
        self._then(self)
        self.waits.append((seconds, before, until()))


async def test_alone_it_waits_for_whoever_is_just_coming() -> None:
    server = Stopping(shared=False)

    await server._settle()

    assert server.waits == [(SETTLING_SECONDS, False, False)]


async def test_beside_others_it_waits_until_it_is_released() -> None:
    server = Stopping(shared=True, then=WatchedServer.release)

    await server._settle()

    assert server.waits == [(_PATIENCE, False, True)]


async def test_one_that_is_abandoned_meanwhile_sees_to_what_comes_in_by_itself() -> None:
    server = Stopping(shared=True, then=WatchedServer.abandon)

    await server._settle()

    assert server.waits == [(_PATIENCE, False, True), (SETTLING_SECONDS, False, False)]


class Noting(WatchedServer):
    """A server that notes in ``done`` for how long it waits, and whether it would be over by then."""

    done: list[object]

    def __init__(self, app: str = "nowhere:nothing", **options: Any) -> None:
        config = uvicorn.Config(app, log_config=None)
        config.http_protocol_class = asyncio.Protocol  # nobody comes
        super().__init__(config, LIMITS, BOUNDS, **options)
        self.idle = False

    async def _wait(self, seconds: float, *, until: Callable[[], bool]) -> None:
        if self._connections is not None:
            self._connections.any_idle = lambda: self.idle  # type: ignore[method-assign]
        over = []
        for self.idle in (True, False):
            over.append(until())
        self.done.append((seconds, *over))


class Noted:
    """Anything that is told things, and notes them with its name."""

    def __init__(self, name: str, done: list[object]) -> None:
        self._name, self._done = name, done

    def __getattr__(self, what: str) -> Any:
        return lambda *_: self._done.append(f"{self._name} {what}")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is done around a server, in its order."""
    done: list[object] = []

    async def startup(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        done.append(("uvicorn starts", sockets))
        server.started = server.config.app != "nowhere:broken"

    async def shutdown(_server: uvicorn.Server) -> None:
        done.append("uvicorn stops")

    async def close(acceptor: Acceptor) -> None:
        done.append("acceptor closed")
        acceptor._loop.remove_reader(acceptor.listener.fileno())

    Noting.done = done
    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    monkeypatch.setattr(uvicorn.Server, "shutdown", shutdown)
    monkeypatch.setattr(Acceptor, "close", close)
    monkeypatch.setattr(of_server, "Watchdog", lambda limits, **_: Noted(f"watchdog {limits.kill_seconds}", done))
    monkeypatch.setattr(of_server, "take_no_more", lambda _listener: done.append("no more comes in"))
    monkeypatch.setattr(logs, "gather_no_more", lambda: done.append("all is told"))
    monkeypatch.setattr(process_memory, "begin", lambda: done.append("memory kept"))
    return done


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


async def begun(server: WatchedServer, *listeners: socket.socket, state: dict[str, Any] | None = None) -> None:
    server.lifespan = SimpleNamespace(state=state or {})
    await server.startup([*listeners])


async def test_one_that_starts_listens_by_itself_before_it_says_so(
    done: list[object], listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Noting(on_ready=lambda: done.append("ready"))
    monkeypatch.setattr(server.config, "http_protocol_class", lambda **given: given)

    await begun(server, listener)

    (acceptor,) = server._acceptors
    assert asyncio.get_running_loop().remove_reader(listener.fileno()), "nobody looks at the listener"
    assert vars(server)["_watching"].get_coro().__name__ == "watch"
    assert vars(acceptor)["_make_protocol"]() == {
        "config": server.config,
        "server_state": server.server_state,
        "app_state": server.lifespan.state,
        "connections": server._connections,
    }
    assert done == [("uvicorn starts", []), "watchdog 10.0 start", "memory kept", "ready"]
    vars(server)["_watching"].cancel()


async def test_one_that_could_not_start_listens_to_nothing(done: list[object], listener: socket.socket) -> None:
    server = Noting("nowhere:broken", on_ready=lambda: done.append("ready"))

    await begun(server, listener)

    assert done == [("uvicorn starts", [])]


async def test_one_that_stops_takes_leave_in_order(done: list[object], listener: socket.socket) -> None:
    server = Noting(drain_seconds=3, on_stop=lambda: done.append("stops"))
    state = {HURRY: lambda: done.append("hurry"), READINESS: Noted("readiness", done)}
    await begun(server, listener, state=state)
    done.clear()
    connections, watching = server._connections, server._watching
    assert connections is not None
    assert watching is not None

    await server.shutdown()

    assert done == [
        "stops",
        "readiness withdraw",
        (3, False, False),
        "hurry",
        "no more comes in",
        (SETTLING_SECONDS, False, False),
        "acceptor closed",
        (IDLE_SECONDS, False, True),
        "uvicorn stops",
        "watchdog 10.0 stop",
        "all is told",
    ]
    assert connections.ending
    with pytest.raises(asyncio.CancelledError):
        await watching


@pytest.mark.parametrize(
    ("options", "released"), [({}, False), ({"drain_seconds": 0}, True), ({"drain_seconds": 3}, True)]
)
async def test_nobody_is_waited_for_who_learns_of_the_end_otherwise(
    done: list[object], options: dict[str, Any], *, released: bool
) -> None:
    server = Noting(**options)
    await begun(server)
    done.clear()
    if released:
        server.release()

    await server.shutdown()

    assert done[0] == (SETTLING_SECONDS, False, False)


async def test_one_that_drains_stops_as_soon_as_it_is_released(done: list[object]) -> None:
    server = Noting(drain_seconds=3)
    server.lifespan = SimpleNamespace(state={READINESS: Noted("readiness", done)})
    released: list[object] = []

    async def wait(seconds: float, *, until: Callable[[], bool]) -> None:
        released.extend((seconds, until()))
        server.release()
        released.append(until())

    server._wait = wait  # type: ignore[method-assign]
    await server._drain()

    assert released == [3, False, True]


def test_one_that_is_abandoned_stops_at_once() -> None:
    server = WatchedServer(CONFIG, LIMITS, BOUNDS, drain_seconds=3, shared=True)

    server.abandon()

    assert (server.should_exit, server._shared, server._drain_seconds) == (True, False, 0)


class Clock:
    """A clock that goes on by what is slept, in the place of asyncio's; ``then`` happens after so many sleeps."""

    def __init__(self) -> None:
        self.now = 1024.0
        self.sleeps = 0
        self.looks = 0
        self.then: dict[int, Callable[[], None]] = {}

    def get_running_loop(self) -> "Clock":
        return self

    def time(self) -> float:
        self.looks += 1
        assert self.looks < MOST_LOOKS
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps += 1
        self.then.get(self.sleeps, lambda: None)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(of_server, "asyncio", moved)
    monkeypatch.setattr(of_server, "_TICK", 0.25)
    return moved


@pytest.mark.parametrize(
    ("seconds", "over_after", "forced_after", "sleeps"),
    [(1.0, None, None, 4), (1.0, 2, None, 2), (1.0, None, 3, 3), (1.0, 0, None, 0), (0.0, None, None, 0)],
)
async def test_it_waits_until_it_is_time_or_over_or_forced_and_its_date_goes_on(
    clock: Clock, seconds: float, over_after: int | None, forced_after: int | None, sleeps: int
) -> None:
    server = WatchedServer(CONFIG, LIMITS, BOUNDS)
    ticks: list[int] = []

    async def on_tick(counter: int) -> bool:
        ticks.append(counter)
        return False

    server.on_tick = on_tick  # type: ignore[method-assign]
    if forced_after is not None:
        clock.then[forced_after] = lambda: setattr(server, "force_exit", True)

    await server._wait(seconds, until=lambda: clock.sleeps == over_after)

    assert ticks == [0] * sleeps
    assert clock.sleeps == sleeps
