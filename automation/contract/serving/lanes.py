"""Lets few long requests of a tenant be under way at a time, so that what is long to make doesn't hold everybody up.

What presents, validates and encodes an answer does so in one stretch of the event loop once the database has answered:
for a large rule or a page of a hundred that is milliseconds, and sixty at once were sixty stretches in a row. So does
what changes a rule, once it knows the rule as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final

from automation.domain.errors import Unavailable

MOST: Final = 2
"""Requests of a lane that are under way at a time in a process: one is made while the other waits for the database."""
LONGEST: Final = 5.0
"""Seconds that a request waits for those before it: longer than the database is waited for."""


class Lane(StrEnum):
    """Which requests of a tenant wait for each other; what is computed without a database waits for bodies, too."""

    READS = "reads"
    COMPUTED = "computed"
    WRITES = "writes"


class _Users:
    """The requests of one tenant's lane: those that are under way, and how many there are with those that wait."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(MOST)
        self.count = 0


class Lanes:
    """Gives requests their turn, those of each lane of a tenant in the order in which they came."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[Hashable, Lane], _Users] = {}

    @asynccontextmanager
    async def admitted(self, tenant: Hashable, lane: Lane) -> AsyncIterator[None]:
        """Enter once fewer than ``MOST`` requests of a tenant's lane are under way.

        Raises:
            Unavailable: Those before it take too long.
        """
        users = self._lanes.setdefault((tenant, lane), _Users())
        users.count += 1
        try:
            await _entered(users.free)
            try:
                yield
            finally:
                users.free.release()
        finally:
            users.count -= 1
            if not users.count:
                del self._lanes[tenant, lane]


async def _entered(free: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(LONGEST):
            await free.acquire()
    except TimeoutError:
        raise Unavailable("Other requests of this tenant are before this one for too long.") from None
