"""uvicorn's server, whose event loop is watched for as long as it serves."""

import socket
from collections.abc import Callable

import uvicorn

from automation.service.watchdog import Limits, Watchdog


class WatchedServer(uvicorn.Server):
    """A server that says when it listens, and ends its process where its event loop hangs, also while it stops.

    Args:
        config: uvicorn's own.
        limits: What the event loop is held to.
        on_ready: Called once when it listens.
        on_well: Called in a thread whenever the loop has just answered.
        on_stop: Called once when it begins to stop.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        limits: Limits,
        *,
        on_ready: Callable[[], None] | None = None,
        on_well: Callable[[], None] | None = None,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(config)
        self._watchdog = Watchdog(limits, on_well=on_well)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            self._watchdog.start()
            if self._on_ready is not None:
                self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and let requests in flight end."""
        if self._on_stop is not None:
            self._on_stop()
        await super().shutdown(sockets)
        self._watchdog.stop()
