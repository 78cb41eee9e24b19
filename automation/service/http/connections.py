"""The connections of a process, taken together: how many there may be, and how long one may be silent.

One look at all of them a second is what their deadlines cost: no timer is set for a connection or a request.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter

import structlog

from automation.service.connection_bounds import Bounds

_NEAR = 0.9
_MOST_REFUSALS = 32
"""Tuned: connections that are told at a time why they are refused."""
_SILENT_SECONDS = 60.0

_log = structlog.get_logger()


class Connection(ABC):
    """One of them."""

    @property
    @abstractmethod
    def idle(self) -> bool:
        """Whether there is no request, neither begun nor still to be answered."""

    @abstractmethod
    def finish(self) -> None:
        """Let the answer to the newest request be the last one, and say so in it, where that is not too late."""

    @abstractmethod
    def expire(self, now: float, bounds: Bounds) -> None:
        """End the connection if it has been silent for too long."""


class Connections:
    """All that are open, and whether they are to end.

    ``ending`` is read at every request: where it is set, the answer is the last one on its connection. ``now`` is the
    time of the last look, exact enough for deadlines, and costs nothing.

    Args:
        bounds: What they are held to.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.ending = False
        self.now = asyncio.get_running_loop().time()
        self._bounds = bounds
        self._open: set[Connection] = set()
        self._addresses: Counter[str] = Counter()
        self._stopping = False
        self._refusals = 0
        self._said_at = float("-inf")

    def admits(self, address: str) -> bool:
        """Return whether there may be one more; it is logged once a minute where not."""
        of_address = self._addresses[address]
        if len(self._open) < self._bounds.most and of_address < self._bounds.most_per_address:
            return True
        if self.now - self._said_at >= _SILENT_SECONDS:
            self._said_at = self.now
            _log.warning("connections refused", open=len(self._open), address=address, of_address=of_address)
        return False

    def add(self, connection: Connection, address: str) -> None:
        """Count one more."""
        self._open.add(connection)
        self._addresses[address] += 1
        self._judge_number()

    def remove(self, connection: Connection, address: str) -> None:
        """Count one less, if it was counted."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
        self._judge_number()

    def _judge_number(self) -> None:
        self.ending = self._stopping or len(self._open) > _NEAR * self._bounds.most

    def begin_refusal(self) -> bool:
        """Return whether one more may be told why it is refused; a flood of them would take all descriptors."""
        if self._refusals >= _MOST_REFUSALS:
            return False
        self._refusals += 1
        return True

    def end_refusal(self) -> None:
        """Count one less that is being told."""
        self._refusals -= 1

    def any_idle(self) -> bool:
        """Return whether one is without a request, begun or whole."""
        return any(connection.idle for connection in self._open)

    def finish(self) -> None:
        """Have each end with the answer to its newest request, or to its next one where it has none."""
        self.ending = self._stopping = True
        for connection in self._open:
            connection.finish()

    async def watch(self) -> None:
        """Look at all of them again and again, and end those that are silent for too long."""
        while True:
            await asyncio.sleep(self._bounds.tick_seconds)
            self.now = asyncio.get_running_loop().time()
            for connection in tuple(self._open):
                connection.expire(self.now, self._bounds)
