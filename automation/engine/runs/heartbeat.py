"""Keeps a run's claim alive from second to second, and hears what is wanted of the run meanwhile."""

import asyncio

from automation.domain.errors import Unavailable
from automation.engine.runs.ledger import BrokenOff, Cause, Ledger
from automation.storage.pool.periodic import rest

BEAT = 1.0
"""Seconds between two renewals: as long as an action in flight takes to hear of a cancel, without any NOTIFY."""


class Heartbeat:
    """Renews one run's claim, and stores what its actions have logged so far."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Have ``listen`` return as soon as the beat that is under way has ended."""
        self._stopped.set()

    async def listen(self, *, at_once: bool) -> Cause:
        """Return why the run has to be broken off, or that the heartbeat was stopped.

        Args:
            at_once: Whether something may be wanted of the run already, as of one that was taken over.
        """
        if not at_once:
            await rest(BEAT, self._stopped)
        while not self._stopped.is_set():
            cause = await self._beat()
            if cause is not None:
                return cause
            await rest(BEAT, self._stopped)
        return Cause.STOPPING

    async def _beat(self) -> Cause | None:
        try:
            renewal = await self._ledger.renew()
            if renewal.cancel_requested:
                return Cause.CANCELLED
            if renewal.deadline_passed:
                return Cause.OUT_OF_TIME
            await self._ledger.tell()
        except BrokenOff as broken_off:
            return broken_off.cause
        except Unavailable:
            pass  # Whoever takes the run over has the database, so that it will be told when it is back.
        return None
