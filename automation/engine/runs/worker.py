"""The worker: takes executions over as their ids are delivered, and runs as many at once as it has slots."""

import asyncio
from collections.abc import Collection
from uuid import UUID

import structlog

from automation.domain.errors import Unavailable
from automation.domain.retention import DEFAULTS, Retention
from automation.engine.actions import Actions
from automation.engine.rules.program import Programs
from automation.engine.runs.conductor import Conductor
from automation.engine.runs.folding import fold
from automation.engine.runs.queue import Queue
from automation.engine.runs.retention import keep, keep_answers
from automation.engine.runs.shares import Shares
from automation.engine.runs.sweeper import sweep
from automation.engine.runs.tasks import leave
from automation.engine.runs.ticker import tick
from automation.storage.due import Due
from automation.storage.retention import RetentionStore
from automation.storage.runs import Claim, Runs, Turn
from automation.storage.schedules import Schedules
from automation.storage.secrets.sealed_secrets import SealedSecrets

_log = structlog.get_logger()

LOOK_SECONDS = 0.1
"""Tuned: seconds that a worker waits before it looks for others, whose slots are held by tenants at their shares."""

HAND_BACK_SECONDS = 5.0
"""How long handing back may take; after that the leases run out by themselves."""


class Worker:
    """Runs executions until it is told to stop.

    Args:
        url: The database, as the worker's role, for the queue.
        runs: The executions to claim.
        due: What to sweep.
        store: What is removed when it has been kept for long enough.
        actions: What rules can do here.
        concurrency: How many executions run at once.
        lease: Seconds after which another worker may take over what this one runs, where it is not heard of.
        drain_seconds: How long actions in flight may go on when the worker stops.
        most_result_bytes: How many bytes of results an execution keeps.
        most_lost: How many workers may be lost at one action, one after the other; then its execution fails.
        retention: For how long what is kept of tenants that have none of their own.
        schedules: When recurring rules are due.
        secrets: Where the values of secrets are read.
    """

    def __init__(
        self,
        url: str,
        runs: Runs,
        due: Due,
        store: RetentionStore,
        actions: Actions,
        *,
        concurrency: int,
        lease: float,
        drain_seconds: float,
        most_result_bytes: int,
        most_lost: int,
        schedules: Schedules,
        secrets: SealedSecrets,
        retention: Retention = DEFAULTS,
    ) -> None:
        self._runs = runs
        self._due = due
        self._store = store
        self._retention = retention
        self._actions = actions
        self._programs = Programs(actions)
        self._shares = Shares(concurrency)
        self._queue = Queue(url, self._deliver, self._room, concurrency=self._shares.limit)
        self._look_again: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._lease = lease
        self._drain_seconds = drain_seconds
        self._most_result_bytes = most_result_bytes
        self._most_lost = most_lost
        self._secrets = secrets
        self._schedules = schedules
        self._tasks: set[asyncio.Task[None]] = set()
        self._conductors: set[Conductor] = set()

    async def work(self, stop: asyncio.Event) -> None:
        """Run executions until ``stop`` is set; then let actions in flight end, and hand back what isn't done."""
        retention = keep(self._store, self._retention)
        duties = (
            *(self._queue.receive(), sweep(self._due), tick(self._schedules)),
            *(retention, keep_answers(self._due), fold(self._due)),
        )
        services = [asyncio.create_task(duty) for duty in duties]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({stopped, *services}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            for task in (stopped, *services):
                leave(task)
                task.cancel()
            await asyncio.wait({stopped, *services}, timeout=HAND_BACK_SECONDS)
            await self._drain()
        for task in done:
            task.result()

    async def _room(self) -> int:
        """Return how many jobs may be fetched: one for each free slot, or for somebody who is owed a full tenant's."""
        if not self._shares.crowded:
            return self._shares.free
        if self._shares.exhausted or self._look_again is not None:
            return 0
        try:
            wanted = await self._due.others_wait(self._shares.full())
        except Unavailable:
            wanted = False
        if not wanted:
            self._look_again = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        return int(wanted)

    def _look(self) -> None:
        self._look_again = None
        self._queue.stir()

    async def _deliver(self, turn: Turn) -> None:
        # Whose turn it is to pass is decided as jobs come, whatever comes after them: several may be claimed together.
        self._shares.enter(turn.tenant)
        task = asyncio.create_task(
            self._take(turn, full=self._shares.full(turn.tenant), passes=self._shares.overcrowded)
        )
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._give_slot_back(done, turn))
        await asyncio.shield(task)

    def _give_slot_back(self, task: "asyncio.Task[None]", turn: Turn) -> None:
        self._tasks.discard(task)
        self._shares.leave(turn.tenant)
        self._queue.stir()

    async def _take(self, turn: Turn, *, full: Collection[UUID], passes: bool) -> None:
        try:
            claim = await self._runs.claim(turn, lease=self._lease, full=full, passes=passes)
            if claim is not None:
                _say_in_each_line(claim)
                self._shares.learn(turn.tenant, claim.weight)
                await self._conduct(claim)
        except Unavailable:
            return  # the sweeper finds it again
        except Exception:  # noqa: BLE001 - told in the log; the worker goes on
            # The lease runs out, and another worker takes over.
            _log.exception(
                "run broke off",
                tenant=str(turn.tenant),
                execution_id=str(turn.execution),
                attempt=turn.attempt,
            )

    async def _conduct(self, claim: Claim) -> None:
        conductor = Conductor(
            self._runs,
            claim,
            self._programs,
            self._actions,
            lease=self._lease,
            most_result_bytes=self._most_result_bytes,
            most_lost=self._most_lost,
            stopping=self._stopping,
            secrets=self._secrets,
        )
        self._conductors.add(conductor)
        try:
            await conductor.conduct()
        finally:
            self._conductors.discard(conductor)

    async def _drain(self) -> None:
        if await self._ended_within(self._drain_seconds):
            return
        for conductor in self._conductors:
            conductor.break_off()
        if not await self._ended_within(HAND_BACK_SECONDS):
            _log.warning("stopped without handing back", runs=len(self._tasks))
            for task in self._tasks:
                task.cancel()

    async def _ended_within(self, seconds: float) -> bool:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        return not self._tasks


def _say_in_each_line(claim: Claim) -> None:
    """Have each line that this task logs from now on, and those it begins, say who or what asked for the attempt."""
    structlog.contextvars.bind_contextvars(request_id=claim.request_id, triggered_by=claim.triggered_by)
