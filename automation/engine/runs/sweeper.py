"""Finds the executions that wait for a worker and that no job speaks of: lost, rested enough, or out of time."""

import asyncio

import structlog

from automation.domain.errors import Unavailable
from automation.storage.due import Due
from automation.storage.pool.periodic import uneven

_log = structlog.get_logger()

INTERVAL = 1.0
"""Tuned: seconds between two sweeps."""
LIMIT = 200
"""Tuned: executions that a sweep takes at the most."""


async def sweep(due: Due) -> None:
    """Have jobs written for what is due, and what expired ended, from second to second, until cancelled.

    Every worker does so beside its runs, whatever they are busy with; that two find the same is kept out by the
    database, and does no harm. An outage is told once.
    """
    failing = False
    while True:
        found = 0
        try:
            found = len(await due.sweep(LIMIT))
            found = max(found, await due.expire(LIMIT))
            failing = False
        except Unavailable as error:
            if not failing:
                _log.warning("sweep failed", error=error.detail)
            failing = True
        await asyncio.sleep(uneven(INTERVAL) if found < LIMIT else 0)  # 0 lets others run: there is more to be found
