"""Keeps a run's claim alive from second to second, and hears what is wanted of the run meanwhile."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

from automation.domain.errors import Unavailable
from automation.engine.runs.journal import Journal
from automation.engine.runs.ledger import ClaimLost, Ledger

BEAT = 1.0
"""Seconds between two renewals: as long as a cancellation takes to be heard, without any NOTIFY."""


class Cause(Enum):
    """Why a run is broken off."""

    CANCELLED = auto()
    LOST = auto()
    OUT_OF_TIME = auto()
    STOPPING = auto()


@dataclass(frozen=True, slots=True)
class Interruption:
    """A run is broken off, and why; ``reason`` is for its log."""

    cause: Cause
    reason: str | None = None


class Heartbeat:
    """Renews one run's claim, and stores what its actions have logged so far."""

    def __init__(self, ledger: Ledger, journal: Journal) -> None:
        self._ledger = ledger
        self._journal = journal
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Have ``listen`` return as soon as the beat that is under way has ended."""
        self._stopped.set()

    async def listen(self, *, at_once: bool) -> Interruption:
        """Return when the run has to be broken off, or the heartbeat was stopped.

        Args:
            at_once: Whether something may be wanted of the run already, as of one that was taken over.
        """
        if not at_once:
            await self._pause()
        while not self._stopped.is_set():
            interruption = await self._beat()
            if interruption is not None:
                return interruption
            await self._pause()
        return Interruption(Cause.STOPPING)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT):
                await self._stopped.wait()

    async def _beat(self) -> Interruption | None:
        try:
            renewal = await self._ledger.renew()
            if renewal.cancel_requested:
                return Interruption(Cause.CANCELLED, renewal.cancel_reason)
            if renewal.deadline_passed:
                return Interruption(Cause.OUT_OF_TIME)
            await self._log()
        except ClaimLost:
            return Interruption(Cause.LOST)
        except Unavailable:
            pass  # Whoever takes the run over has the database, so that it will be told when it is back.
        return None

    async def _log(self) -> None:
        entries = self._journal.take()
        if entries:
            try:
                await self._ledger.log(entries)
            except Unavailable:
                self._journal.put_back(entries)
