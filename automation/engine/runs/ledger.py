"""Stores what a run has come to, under its claim: outages are sat out, and a claim that was lost ends the run."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from automation.domain.errors import Unavailable
from automation.domain.executions import LogEntry
from automation.storage.runs import Claim, Renewal, Runs

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0


class ClaimLost(Exception):
    """The run is no longer this worker's: another one has it, or it has ended. Nothing of it may be written."""


class Ledger:
    """The writes of one claimed run.

    Each raises :class:`ClaimLost` where the claim doesn't hold any more, and waits where the database is away: what
    happened has happened, and nobody else may know of it.

    Args:
        runs: Where the run is stored.
        claim: Whose it is.
        lease: Seconds for which the claim is renewed.
    """

    def __init__(self, runs: Runs, claim: Claim, lease: float) -> None:
        self._runs = runs
        self._lease = lease
        self.claim = claim

    async def renew(self) -> Renewal:
        """Keep the claim for another lease, and return what is wanted of the run.

        Raises:
            ClaimLost: It is not ours any more.
            Unavailable: The database is away: the claim may still hold, and nobody can say.
        """
        renewal = await self._runs.renew(self.claim, lease=self._lease)
        if renewal is None:
            raise ClaimLost
        return renewal

    async def begin_call(self, *, tries: int, call_key: UUID) -> None:
        """Store the key of a call that is about to be made."""
        await self._write(lambda: self._runs.begin_call(self.claim, tries=tries, call_key=call_key))

    async def record_try(self, *, tries: int, keep_call_key: bool, logs: Sequence[LogEntry]) -> None:
        """Store that a try failed, and another one follows."""
        await self._write(
            lambda: self._runs.record_try(self.claim, tries=tries, keep_call_key=keep_call_key, logs=logs)
        )

    async def record_action(self, index: int, *, result: Any | None, failed: bool, logs: Sequence[LogEntry]) -> None:
        """Store that an action is done, and the next one follows."""
        await self._write(
            lambda: self._runs.record_action(
                self.claim, index, result=result, failed=failed, next_action=index + 1, logs=logs
            )
        )

    async def log(self, logs: Sequence[LogEntry]) -> None:
        """Store entries alone, without waiting for a database that is away.

        Raises:
            Unavailable: It is away; whether they are stored is not known.
        """
        if not await self._runs.log(self.claim, logs):
            raise ClaimLost

    async def mark_rule_error(self, reason: str) -> None:
        """Store that the rule can't be run at all, and why."""

        async def mark() -> bool:
            await self._runs.mark_rule_error(self.claim, reason)
            return True

        await self._write(mark)

    async def end(self, write: Callable[[Runs, Claim], Awaitable[bool]]) -> None:
        """Write what gives the claim up, as the run's last word; no heartbeat may be left by then.

        Raises:
            ClaimLost: It was lost before.
        """
        await self._write(lambda: write(self._runs, self.claim))

    async def _write(self, write: Callable[[], Awaitable[bool]]) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                if await _whole(write()):
                    return
            except Unavailable:
                # Perhaps it was done, and only the answer was lost: done again, it changes nothing.
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
            else:
                raise ClaimLost


async def _whole(write: Awaitable[bool]) -> bool:
    """Wait for a write even where the run is broken off meanwhile: half of one can't be reported."""
    task = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
