"""Counts how runs ended in the statistics of their rules, beside the runs (decision 44)."""

import asyncio
from contextlib import suppress

from automation.domain.errors import Unavailable
from automation.storage.due import Due
from automation.storage.pool.periodic import uneven

INTERVAL = 2.0
LIMIT = 5000


async def fold(due: Due) -> None:
    """Have ends of runs counted, a bounded number at a time, until cancelled; every worker tries, and one does."""
    while True:
        counted = 0
        with suppress(Unavailable):  # the sweep says so
            counted = await due.fold(LIMIT)
        # 0 lets others run: there is more to be counted.
        await asyncio.sleep(uneven(INTERVAL) if counted < LIMIT else 0)
