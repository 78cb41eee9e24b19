"""Lets requests with a body on one at a time, tenants in turn, so that many of one don't hold everybody up.

What reads, validates and checks a body does so in one stretch of the event loop, for milliseconds where it is a rule;
so does what validates and sends a large response, and what is computed without asking anybody.
Forty that have arrived together would be forty stretches before anybody else has a turn, and a read wants several.
"""

import asyncio
import time
from asyncio import Future
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final

BRIEF: Final = 0.002
"""Seconds of a stretch from which on nothing of the next body is done for as long as it took."""


class BodyTurns:
    """Gives turns to requests whose bodies have been received and not been read yet.

    A turn lasts until its request has to wait for something for the first time; after it everything else that is ready
    has its turn. None is refused: how many can wait is how many connections there may be.

    Args:
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._waiting: dict[Hashable, deque[Future[None]]] = {}  # whose turn is next is the first
        self._busy = False

    async def turn(self, sender: Hashable) -> None:
        """Return when a body may be read, at once where no other is.

        Args:
            sender: Whose it is; it waits for what has its turn, and for one of each other sender's at the most.
        """
        mine: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(sender, deque()).append(mine)
        if not self._busy:
            self._give()
        await mine

    def _give(self) -> None:
        """Give the next turn, if anybody waits."""
        while self._waiting:
            sender = next(iter(self._waiting))
            waiting = self._waiting.pop(sender)
            mine = waiting.popleft()
            if waiting:
                self._waiting[sender] = waiting  # behind all others
            if not mine.done():  # its client may have left
                mine.set_result(None)
                self._busy = True
                # It is called right after the stretch that begins now, or has begun: callbacks keep their order.
                asyncio.get_running_loop().call_soon(self._rest, self._clock())
                return
        self._busy = False

    def _rest(self, began: float) -> None:
        took = self._clock() - began
        loop = asyncio.get_running_loop()
        if took < BRIEF:
            loop.call_soon(self._give)
        else:
            loop.call_later(took, self._give)
