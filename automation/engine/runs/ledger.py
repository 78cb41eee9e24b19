"""Stores what a run has come to, under its claim, one statement after the other; hears in each what is wanted of it."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from uuid import UUID

from automation.domain.executions import ExecutionStatus
from automation.engine.runs import lease
from automation.engine.runs.journal import Journal
from automation.engine.runs.lease import Lease
from automation.engine.runs.outages import sit_out_outages
from automation.engine.runs.tasks import whole
from automation.storage.runs import (
    ActionDone,
    CallBegins,
    Claim,
    Ending,
    Finished,
    LogPart,
    Outcome,
    Renewal,
    Runs,
    Write,
)

Answer = Outcome | ExecutionStatus
"""How a statement was answered; the last one says with which status the execution has ended."""

Store = Callable[[LogPart], Awaitable[Answer | None]]
"""Stores something together with a part of the log."""


class Cause(Enum):
    """Why a run is broken off."""

    CANCELLED = auto()
    LOST = auto()
    OUT_OF_TIME = auto()
    STOPPING = auto()


class BrokenOff(Exception):
    """The run may not go on: it was cancelled, its time is over, or it is not this worker's any more."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause


_CAUSES: Mapping[Outcome, Cause] = {
    Outcome.CANCELLED: Cause.CANCELLED,
    Outcome.OUT_OF_TIME: Cause.OUT_OF_TIME,
}


class Ledger:
    """The writes of one claimed run.

    There is one at a time, and each takes along what the journal holds: so the log has the order in which it was
    written, and what is counted is told. Where the database is away a write waits: what happened has happened, and
    nobody else may know of it. Each raises :class:`BrokenOff` where the run may not go on.

    Args:
        runs: Where the run is stored.
        claim: Whose it is.
        journal: What it has to tell.
        seconds: For how long the claim is renewed.
    """

    def __init__(self, runs: Runs, claim: Claim, journal: Journal, seconds: float) -> None:
        self._runs = runs
        self._journal = journal
        self._lease = Lease(seconds)
        self._turn = asyncio.Lock()
        self._unrecorded: Write | None = None
        self.claim = claim
        self._actions_seconds = claim.execution.actions_seconds

    @property
    def actions_seconds_left(self) -> float:
        """How long the attempt's actions may still take."""
        most = self.claim.max_actions_seconds
        return math.inf if most is None else most - self._actions_seconds

    def spend(self, seconds: float) -> None:
        """Count the time that an action took; the next record of a try or an action stores it."""
        self._actions_seconds += seconds

    async def renew(self) -> Renewal:
        """Keep the claim for another lease, and return what is wanted of the run.

        Raises:
            BrokenOff: It is not ours any more.
            Unavailable: The database is away: the claim may still hold, and nobody can say.
        """
        asked = lease.now()
        renewal = await self._runs.renew(self.claim, lease=self._lease.seconds)
        if renewal is None:
            self._lease.lost()
            raise BrokenOff(Cause.LOST)
        self._lease.renewed(asked)
        return renewal

    def holds(self) -> bool:
        """Return whether the claim certainly holds: then nobody else can have the run, nor can it have ended."""
        return self._lease.holds()

    async def count_mails(self, mails: int) -> int | None:
        """Count mails of the tenant that are about to leave; return its limit where that would exceed it.

        Raises:
            Unavailable: The database is away.
        """
        return await self._runs.count_mails(self.claim, mails)

    async def begin_call(self, *, tries: int, call_key: UUID) -> None:
        """Let a call begin: once this returns, the claim holds, and nobody wanted the run to end before."""
        beginning = CallBegins(lease=self._lease.seconds, tries=tries, call_key=call_key)

        async def begin(logs: LogPart) -> Outcome | None:
            asked = lease.now()
            answer = await self._runs.write(self.claim, beginning, logs)
            if answer is Outcome.STORED:
                self._lease.renewed(asked)
            return answer

        await self._write(begin)
        while not self.holds():  # this process slept: somebody else may have it by now
            await self._write(begin)

    async def record(self, write: Write) -> None:
        """Store what has happened, and remember it until that is answered: a run may be broken off meanwhile."""
        self._unrecorded = write
        try:
            await self._write(
                lambda logs: self._runs.write(self.claim, write, logs, actions_seconds=self._actions_seconds)
            )
        except BrokenOff:
            self._unrecorded = None
            raise
        self._unrecorded = None

    def keep(self, done: ActionDone) -> None:
        """Remember what an action came to: its record follows, or the run's end, which stores it."""
        self._unrecorded = done

    async def tell(self) -> None:
        """Store what the journal holds, unless another write does, which is under way or follows.

        Raises:
            Unavailable: The database is away; whether the entries are stored is not known.
        """
        if self._turn.locked() or self._unrecorded is not None or not self._journal.waiting().entries:
            return
        async with self._turn:
            answer = await whole(self._store(lambda logs: self._runs.log(self.claim, logs)))
        _expect_to_go_on(answer)

    async def mark_rule_error(self, reason: str) -> None:
        """Store that the rule can't be run at all, and why."""
        async with self._turn:
            await sit_out_outages(lambda: self._runs.mark_rule_error(self.claim, reason))

    async def end(self, ending: Ending) -> Answer:
        """Store how the run ends, which gives the claim up; no heartbeat may be left by then.

        What the run was about to record when it was broken off is recorded first: its entries are told. What an action
        came to is stored with the end where nothing is left to do.

        Returns:
            The status that the execution has ended with, where it has.
        """
        finished = isinstance(ending, Finished)
        if self._unrecorded is not None and not (finished and isinstance(self._unrecorded, ActionDone)):
            try:
                await self.record(self._unrecorded)
            except BrokenOff as broken_off:
                if broken_off.cause is Cause.LOST:
                    raise

        def store(logs: LogPart) -> Awaitable[Answer | None]:
            done = self._unrecorded if isinstance(self._unrecorded, ActionDone) else None
            return self._runs.end(self.claim, ending, logs, done=done, actions_seconds=self._actions_seconds)

        return await self._write(store)

    async def _write(self, store: Store) -> Answer:
        async with self._turn:
            answer = await sit_out_outages(lambda: self._store(store))
        return _expect_to_go_on(answer)

    async def _store(self, store: Store) -> Answer | None:
        """Write what the journal holds too, and have it forget that."""
        part = self._journal.waiting()
        answer = await store(part)
        if answer is Outcome.STORED:
            self._journal.stored(part)
        return answer


def _expect_to_go_on(answer: Answer | None) -> Answer:
    if answer is None:
        raise BrokenOff(Cause.LOST)
    if isinstance(answer, Outcome) and answer in _CAUSES:  # a status that it has ended with breaks nothing off
        raise BrokenOff(_CAUSES[answer])
    return answer
