"""Does what runs compute: short work at once, long work in one thread at a pace, tenants in turn.

What a tenant's rules evaluate takes up to 0.1 s for each condition and each config, and the worker's event loop is
everybody's: heartbeats, the clock, what comes of calls. So at most one stretch of it is done at once.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from automation.engine.expressions.pace import Long, Pace, at_once, rest_a_while
from automation.engine.rules.tenant_turns import TenantTurns

_Result = TypeVar("_Result")


class Computing:
    """The thread of a worker's long work, in which a tenant has one piece at a time.

    Args:
        rest: What the thread does after each stretch; it sleeps as long as that took when left out.
    """

    def __init__(self, rest: Callable[[], None] = rest_a_while) -> None:
        self._rest = rest
        self._turns = TenantTurns(1)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="computing")

    async def done(self, tenant: UUID, work: Callable[[Pace], _Result]) -> _Result:
        """Return what some work returns, which takes its steps at a pace and may be begun anew.

        Args:
            tenant: For whom it is done; others' work is done in between.
            work: Does it.
        """
        try:
            return work(Pace(at_once))
        except Long:
            async with self._turns.one(tenant):
                return await asyncio.wrap_future(self._thread.submit(work, Pace(self._rest)))
