"""Turns of each tenant's requests: few are under way at a time, and the others wait, some of them and for a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from automation.domain.errors import TooManyChecks, TooManyRequests

MOST_WAITING = 20
"""How many requests of a tenant wait for their turn in a process."""
PATIENCE = 5.0
"""For how many seconds one waits."""


class _Here:
    """The requests of one tenant: what lets few of them on, and how many there are."""

    def __init__(self, most: int) -> None:
        self.free = asyncio.Semaphore(most)
        self.count = 0


class TenantTurns:
    """Lets few requests of each tenant on at a time, in the order in which they came.

    Args:
        most: How many.
        patience: For how many seconds one waits; None where however many wait however long, and none is refused.
        refused: Returns what is raised where too many wait, or one for too long.
    """

    def __init__(
        self, most: int, patience: float | None = None, refused: Callable[[], TooManyRequests] = TooManyChecks
    ) -> None:
        self._most = most
        self._patience = patience
        self._refused = refused
        self._tenants: dict[UUID, _Here] = {}

    @asynccontextmanager
    async def one(self, tenant: UUID, leaver: "asyncio.Task[None] | None" = None) -> AsyncIterator[bool]:
        """Enter when a request's turn has come, and keep it for the length of the block.

        Args:
            tenant: Whose request it is.
            leaver: Is done when nobody waits for it any more, which False says then.

        Raises:
            TooManyRequests: As many wait as may, or it took too long.
        """
        here = self._tenants.setdefault(tenant, _Here(self._most))
        here.count += 1
        try:
            if self._patience is not None and here.count > self._most + MOST_WAITING:
                raise self._refused()
            taken = await self._taken(here.free, leaver)
            try:
                yield taken
            finally:
                if taken:
                    here.free.release()
        finally:
            here.count -= 1
            if not here.count:
                del self._tenants[tenant]

    async def _taken(self, free: asyncio.Semaphore, leaver: "asyncio.Task[None] | None") -> bool:
        taking = asyncio.create_task(free.acquire())
        awaited = {taking} if leaver is None else {taking, leaver}
        try:
            await asyncio.wait(awaited, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            _give_back(free, taking)
            raise
        left = leaver is not None and leaver.done()
        if left or not taking.done():
            _give_back(free, taking)
            if left:
                return False
            raise self._refused()
        return True


def _give_back(free: asyncio.Semaphore, taking: "asyncio.Task[bool]") -> None:
    if not taking.cancel():
        free.release()
