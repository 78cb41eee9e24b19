"""Gives each tenant a share of the connections: it may hold as many as it leaves free for others, and no more.

One tenant alone gets half of a pool, one of two a third. So whatever its statements wait for, a lock of its own above
all, others find a connection; and a tenant that holds none gets one as long as any is free.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from uuid import UUID

from psycopg_pool import PoolTimeout


class Shares:
    """Who holds how many connections, and who waits for one.

    Args:
        size: How many there are.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: Counter[UUID | None] = Counter()
        self._all = 0
        self._waiting: OrderedDict[UUID, deque[asyncio.Future[None]]] = OrderedDict()

    async def enter(self, tenant: UUID | None, seconds: float) -> None:
        """Return once a tenant may hold one more, its requests in the order in which they came.

        Args:
            tenant: Whose statement is to be executed; None for what is nobody's or several tenants', which never waits.
            seconds: How long to wait at the most.

        Raises:
            PoolTimeout: Its share was held for as long.
        """
        if tenant is None or (tenant not in self._waiting and self._may(tenant)):
            self._take(tenant)
            return
        waits: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(waits)
        try:
            async with asyncio.timeout(seconds):
                await waits
        except BaseException as error:
            if waits.cancelled():
                self._forget(tenant, waits)
            else:
                self.leave(tenant)
            if isinstance(error, TimeoutError):
                raise PoolTimeout("the tenant's share of the connections was held") from None
            raise

    def leave(self, tenant: UUID | None) -> None:
        """Give one back, for whoever waits: tenants in turn."""
        self._all -= 1
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        while self._all < self._size:
            first = next((each for each in self._waiting if self._may(each)), None)
            if first is None:
                return
            self._admit(first)

    def _admit(self, tenant: UUID) -> None:
        """Let the first request of a tenant go on, and have others' come before its next."""
        waiting = self._waiting.pop(tenant)
        admitted = waiting.popleft()
        if waiting:
            self._waiting[tenant] = waiting
        if not admitted.done():  # else whoever waited has given up
            admitted.set_result(None)
            self._take(tenant)

    def _may(self, tenant: UUID) -> bool:
        return self._held[tenant] < self._size - self._all

    def _take(self, tenant: UUID | None) -> None:
        self._all += 1
        self._held[tenant] += 1

    def _forget(self, tenant: UUID, waits: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(tenant)
        if waiting is not None and waits in waiting:
            waiting.remove(waits)
            if not waiting:
                del self._waiting[tenant]


def tenant_of(parameters: object) -> UUID | None:
    """Return whose statement it is, by the name of its parameter ``tenant``; None where it is no single tenant's."""
    found = parameters.get("tenant") if isinstance(parameters, Mapping) else None
    return found if isinstance(found, UUID) else None
