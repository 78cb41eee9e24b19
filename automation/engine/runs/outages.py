"""Outages of the database, as a run sits them out: what has happened has happened, and it has time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from automation.domain.errors import Unavailable
from automation.engine.runs.tasks import whole

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0
"""Tuned: seconds between two tries while the database is away."""

_T = TypeVar("_T")


async def sit_out_outages(ask: Callable[[], Awaitable[_T]]) -> _T:
    """Return what the database answers, however long it is away; what is asked changes nothing when it is asked again.

    Args:
        ask: Asks; called again where the answer was lost, though perhaps it was done.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return await whole(ask())
        except Unavailable:
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
