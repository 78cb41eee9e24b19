"""Watched server that stops: what it waits for before the last look at its queue, alone and beside others."""

from collections.abc import Callable

import uvicorn

from automation.service.connection_bounds import Bounds
from automation.service.http.listener import SETTLING_SECONDS
from automation.service.http.watched_server import _PATIENCE, WatchedServer
from automation.service.watchdog import Limits

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
