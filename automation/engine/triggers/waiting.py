"""Waits for the ends of executions, for whoever wants one in the answer: for a while, and for so many at a time.

An execution's end notifies nobody, so it is looked at again and again, ever less often; looks at the same time share a
statement, and bring no document where nothing has changed.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

from automation.domain.errors import ExecutionNotFound, Unavailable
from automation.domain.executions import FINISHED, ExecutionDocument
from automation.storage.executions import Executions

SECONDS = 30.0
MOST = 100
"""How many wait in a process at a time."""
MOST_OF_A_TENANT = 10
_FIRST_REST, _LAST_REST = 0.05, 0.5
"""Tuned: seconds between two looks at a run that is waited for."""


class Waiting:
    """Who waits in this process for executions to end.

    Args:
        executions: Where they are read.
        seconds: For how long one waits at the most.
        most: How many wait at a time, of all tenants.
        most_of_a_tenant: How many of one tenant do.
    """

    def __init__(
        self,
        executions: Executions,
        *,
        seconds: float = SECONDS,
        most: int = MOST,
        most_of_a_tenant: int = MOST_OF_A_TENANT,
    ) -> None:
        self._executions = executions
        self._seconds = seconds
        self._most = most
        self._most_of_a_tenant = most_of_a_tenant
        self._waiting: Counter[UUID] = Counter()
        self._stopped = False

    def stop(self) -> None:
        """Have nobody wait any more: the process stops."""
        self._stopped = True

    async def end_of(
        self, tenant: UUID, execution_id: UUID, leaving: Callable[[], Awaitable[None]]
    ) -> ExecutionDocument | None:
        """Return an execution that has ended; None where it has not when the time is over, or too many wait already.

        Args:
            tenant: Whose execution it is.
            execution_id: Its id.
            leaving: Returns when whoever waits has gone; then the place is another's.
        """
        if self._waiting[tenant] >= self._most_of_a_tenant or self._waiting.total() >= self._most:
            return None
        self._waiting[tenant] += 1
        try:
            async with asyncio.timeout(self._seconds) as time:
                leaver = asyncio.create_task(_end(time, leaving))
                try:
                    return await self._watch(tenant, execution_id)
                finally:
                    leaver.cancel()
        except (TimeoutError, ExecutionNotFound):
            return None
        finally:
            self._waiting[tenant] -= 1
            self._waiting = +self._waiting

    async def _watch(self, tenant: UUID, execution_id: UUID) -> ExecutionDocument | None:
        revision, rest = None, _FIRST_REST
        while not self._stopped:
            try:
                found = await self._executions.read(tenant, execution_id, revision)
            except Unavailable:
                found = None  # the execution is there all the same
            if found is not None and found.status in FINISHED and found.json:
                return found
            revision = None if found is None else found.revision
            await asyncio.sleep(rest)
            rest = min(rest * 1.5, _LAST_REST)
        return None


async def _end(time: asyncio.Timeout, leaving: Callable[[], Awaitable[None]]) -> None:
    """End the time when whoever waits has gone."""
    await leaving()
    time.reschedule(asyncio.get_running_loop().time())
