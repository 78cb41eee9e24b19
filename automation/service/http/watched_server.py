"""uvicorn's server, whose event loop is watched for as long as it serves, and which loses no request when it stops."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import cast

import uvicorn

from automation.service import logs, process_memory
from automation.service.connection_bounds import Bounds
from automation.service.http.acceptor import Acceptor
from automation.service.http.connections import Connections
from automation.service.http.listener import SETTLING_SECONDS, take_no_more
from automation.service.watchdog import Limits, Watchdog

READINESS = "readiness"
"""Under which name the application's lifespan gives what says whether it is ready."""
HURRY = "hurry"
"""Under which name it gives what has requests end that only wait for something."""
IDLE_SECONDS = 1.0
"""How long a connection without a request is kept for one more while the server stops."""

_PATIENCE = 2.0
"""Seconds that a child waits for word what is to become of what it shares."""
_TICK = 0.05
"""Tuned: seconds between two looks whether it is time."""


class WatchedServer(uvicorn.Server):
    """A server that says when it listens, and ends its process where its event loop hangs, also while it stops.

    It stops in this order: it is no longer ready, and answers on for ``drain_seconds``; requests that only wait for
    something are hurried; it takes what is in the listening socket's queue, and closes that; connections without a
    request are kept for one more, for a second; requests in flight get their time. Every answer from the beginning of
    that on is the last one on its connection.

    Args:
        config: uvicorn's own.
        limits: What the event loop is held to.
        bounds: What connections are held to.
        drain_seconds: For how long it goes on when it is told to stop.
        shared: Whether its sockets are other processes' as well, so that their parent lets nothing more come in.
        on_ready: Called once when it listens.
        on_well: Called in a thread whenever the loop has just answered.
        on_stop: Called once when it begins to stop.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        limits: Limits,
        bounds: Bounds,
        *,
        drain_seconds: float = 0,
        shared: bool = False,
        on_ready: Callable[[], None] | None = None,
        on_well: Callable[[], None] | None = None,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(config)
        self._watchdog = Watchdog(limits, on_well=on_well)
        self._bounds = bounds
        self._connections: Connections | None = None
        self._watching: asyncio.Task[None] | None = None
        self._acceptors: list[Acceptor] = []
        self._drain_seconds = drain_seconds
        self._shared = shared
        self._released = False
        self._on_ready = on_ready
        self._on_stop = on_stop

    def release(self) -> None:
        """Let it close its sockets as soon as it is told to stop: the others' parent has seen to what comes in."""
        self._released = True

    def abandon(self) -> None:
        """Stop at once, with nobody left who sees to what comes in."""
        self._shared = False
        self._drain_seconds = 0
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup([])
        if self.started:
            self._watchdog.start()
            self._connections = Connections(self._bounds)
            self._watching = asyncio.create_task(self._connections.watch())
            make_protocol = partial(
                cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class),
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                connections=self._connections,
            )
            self._acceptors = [Acceptor(listener, make_protocol) for listener in sockets or []]
            for acceptor in self._acceptors:
                acceptor.start()
            process_memory.begin()
            if self._on_ready is not None:
                self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and let requests in flight end."""
        if self._on_stop is not None:
            self._on_stop()
        connections = self._connections
        assert connections is not None  # noqa: S101 -- it has started
        connections.finish()
        await self._drain()
        if (hurry := self.lifespan.state.get(HURRY)) is not None:
            hurry()
        await self._settle()
        for acceptor in self._acceptors:
            await acceptor.close()
        await self._wait(IDLE_SECONDS, until=lambda: not connections.any_idle())
        await super().shutdown()
        if self._watching is not None:
            self._watching.cancel()
        self._watchdog.stop()
        logs.gather_no_more()

    async def _drain(self) -> None:
        """Have whoever sends requests here learn that it stops, unless others go on."""
        if self._drain_seconds and not self._released:
            self.lifespan.state[READINESS].withdraw()
            await self._wait(self._drain_seconds, until=lambda: self._released)

    async def _settle(self) -> None:
        """See to it that nothing comes into the queue after the last look at it, unless others look on."""
        if self._shared:
            await self._wait(_PATIENCE, until=lambda: self._released or not self._shared)
        if not self._shared:
            for acceptor in self._acceptors:
                take_no_more(acceptor.listener)
            await self._wait(SETTLING_SECONDS, until=lambda: False)

    async def _wait(self, seconds: float, *, until: Callable[[], bool]) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while not until() and not self.force_exit and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_TICK)
            await self.on_tick(0)  # the date that answers carry goes on
