"""Counts how runs ended in the statistics of their rules, beside the runs (decision 44)."""

import asyncio
import random
from contextlib import suppress

from automation.domain.errors import Unavailable
from automation.storage.due import Due

INTERVAL = 2.0
LIMIT = 5000


async def fold(due: Due) -> None:
    """Have ends of runs counted, a bounded number at a time, until cancelled; every worker tries, and one does."""
    while True:
        counted = 0
        with suppress(Unavailable):  # the sweep says so
            counted = await due.fold(LIMIT)
        await asyncio.sleep(_pause() if counted < LIMIT else 0)  # 0 lets others run: there is more to be counted


def _pause() -> float:
    return INTERVAL * random.uniform(0.75, 1.0)  # noqa: S311 - keeps workers from marching in step
