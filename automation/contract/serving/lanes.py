"""Lets few reads of a tenant be under way at a time, so that answers that are long to make don't hold everybody up.

What presents, validates and encodes an answer does so in one stretch of the event loop once the database has answered:
for a large rule or a page of a hundred that is milliseconds, and sixty at once were sixty stretches in a row.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Final

from automation.domain.errors import Unavailable

MOST: Final = 2
"""Reads of a tenant that are under way at a time in a process: one is made while the other waits for the database."""
LONGEST: Final = 10.0
"""Seconds that a read waits for those before it: longer than the database is waited for."""


class _Lane:
    """The reads of one tenant: those that are under way, and how many there are with those that wait."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(MOST)
        self.users = 0


class ReadLanes:
    """Gives reads their turn, each tenant's in the order in which they came."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane] = {}

    @asynccontextmanager
    async def admitted(self, tenant: Hashable) -> AsyncIterator[None]:
        """Enter once fewer than ``MOST`` reads of a tenant are under way.

        Raises:
            Unavailable: Those before it take too long.
        """
        lane = self._lanes.setdefault(tenant, _Lane())
        lane.users += 1
        try:
            await _entered(lane.free)
            try:
                yield
            finally:
                lane.free.release()
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[tenant]


async def _entered(free: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(LONGEST):
            await free.acquire()
    except TimeoutError:
        raise Unavailable("Other requests of this tenant are before this one for too long.") from None
