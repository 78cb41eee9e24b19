"""Plays with a world: executes, cancels, retries and changes rules of several kinds, while faults happen to it."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from automation.domain.errors import ExecutionFinished, ExecutionNotRetriable, RuleDeleted, RuleNotActive, Unavailable
from automation.domain.executions import RETRIABLE, ExecutionStatus
from automation.domain.rules import ConcurrencyPolicy, Rule, RuleAction
from tests.engine.scenes import ENDED, a_wait
from tests.system.model.world import World

LONG = 45.0
"""Seconds of a wait that every execution with one is cancelled in, or before."""

PROMPT = 25.0
"""Seconds in which a cancelled execution has ended even where its worker is gone and the database froze."""

_LIMITED = (
    (ConcurrencyPolicy.CANCEL_PREVIOUS, 1, 2.0),
    (ConcurrencyPolicy.CANCEL_PREVIOUS, 2, 3.0),
    (ConcurrencyPolicy.QUEUE, 2, 0.5),
    (ConcurrencyPolicy.SKIP, 2, 1.0),
)


@dataclass
class Played:
    """What was done, and what was answered; times are readings of ``time.monotonic()``."""

    executed: list[UUID] = field(default_factory=list)
    accepted: dict[tuple[UUID, int], float] = field(default_factory=dict)
    """When a cancel of an attempt was answered with 202."""
    cancelled: dict[tuple[UUID, int], float] = field(default_factory=dict)
    """When a cancel of an attempt was answered with 200."""
    late: list[UUID] = field(default_factory=list)
    """Executions whose accepted cancel took too long."""
    answers: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Kind:
    """One kind of rule: how often it is executed, and how likely that is cancelled within how many seconds."""

    rule: Rule
    share: float
    cancelled: float
    within: float


class Play:
    """Plays for some seconds, then lets everything come to rest; ``play`` is called once."""

    def __init__(self, world: World, *, seconds: float, faults: bool) -> None:
        self._world = world
        self._scene = world.scene
        self._until = time.monotonic() + seconds
        self._faults = faults
        self._followers: set[asyncio.Task[None]] = set()
        self.played = Played()

    async def play(self) -> Played:
        """Play, and return when every execution has ended and the queue is empty, or would never be."""
        kinds = await self._kinds()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._execute(kinds))
            group.create_task(self._change_rules(kinds))
            if self._faults:
                group.create_task(self._lose_jobs())
                group.create_task(self._hurt())
        await asyncio.gather(*self._followers)
        await self._rest()
        return self.played

    async def _kinds(self) -> list[_Kind]:
        rule, call = self._scene.rule, self._call
        six_quick = [call("quick", number) for number in range(6)]
        six_slow = [call("slow", number) for number in range(6)]
        kinds = [
            _Kind(await rule(*six_quick), share=3, cancelled=0.6, within=0.5),
            _Kind(await rule(call("slow", 0), a_wait(LONG), call("quick", 2)), share=2, cancelled=1.0, within=0.9),
            _Kind(await rule(call("quick", 0), a_wait(0.3), call("quick", 2)), share=2, cancelled=0.2, within=0.6),
            _Kind(await rule(call("never", 0, retries=1), call("quick", 1)), share=2, cancelled=0.1, within=1.5),
            _Kind(
                await rule(call("failing", 0, retries=2), call("failing", 1, go_on=True)),
                share=2,
                cancelled=0.2,
                within=1.0,
            ),
            _Kind(await rule(*six_slow, execution_timeout_seconds=2), share=1, cancelled=0.1, within=1.0),
        ]
        for policy, slots, share in _LIMITED:
            limited = await rule(*six_slow[:2], max_concurrent_executions=slots, concurrency_policy=policy)
            kinds.append(_Kind(limited, share=share, cancelled=0.1, within=0.5))
        return kinds

    def _call(self, behaviour: str, action: int, *, retries: int = 0, go_on: bool = False) -> RuleAction:
        body = {
            "execution": "${execution.execution_id}",
            "attempt": "${execution.attempt}",
            "action": action,
            "version": "${rule.version}",
        }
        return RuleAction(
            type="webhook_call",
            config={"method": "POST", "url": self._world.url(behaviour), "json": body},
            timeout_seconds=1 if behaviour == "never" else 10,
            retry_attempts=retries,
            continue_on_error=go_on,
        )

    async def _execute(self, kinds: list[_Kind]) -> None:
        while time.monotonic() < self._until:
            (kind,) = self._world.chance.choices(kinds, [kind.share for kind in kinds])
            with self._counted("execute"):
                execution = await self._scene.execute(kind.rule)
                self.played.executed.append(execution)
                follower = asyncio.create_task(self._follow(execution, kind))
                self._followers.add(follower)
            await asyncio.sleep(self._world.chance.expovariate(12))

    async def _follow(self, execution: UUID, kind: _Kind) -> None:
        """Cancel an execution perhaps, and retry it perhaps where it came to no good end."""
        chance = self._world.chance
        attempt = 1
        if chance.random() < kind.cancelled:
            await asyncio.sleep(chance.uniform(0, kind.within))
            await self._cancel(execution, attempt)
        while await self._ended(execution, attempt) in RETRIABLE and attempt < 4 and chance.random() < 0.6:
            with self._counted("retry"):
                await self._scene.executions.retry(
                    self._scene.tenant, execution, retry_from=chance.choice(["start", "failed_action"])
                )
                attempt += 1

    async def _cancel(self, execution: UUID, attempt: int) -> None:
        for _ in range(20):
            with self._counted("cancel"):
                _, at_once = await self._scene.executions.cancel(self._scene.tenant, execution)
                answered = self.played.cancelled if at_once else self.played.accepted
                answered[execution, attempt] = time.monotonic()
                return
            if await self._status(execution) in ENDED:
                return
            await asyncio.sleep(0.5)

    async def _ended(self, execution: UUID, attempt: int) -> ExecutionStatus | None:
        """Return the status an execution ends with, None where it does not."""
        began = time.monotonic()
        while time.monotonic() - began < LONG + 60:
            status = await self._status(execution)
            if status in ENDED:
                return status
            accepted = self.played.accepted.get((execution, attempt))
            if accepted is not None and time.monotonic() - accepted > PROMPT and execution not in self.played.late:
                self.played.late.append(execution)
            await asyncio.sleep(0.4)
        return None

    async def _status(self, execution: UUID) -> ExecutionStatus | None:
        try:
            return (await self._scene.executions.read(self._scene.tenant, execution)).status
        except Unavailable:
            return None

    async def _change_rules(self, kinds: list[_Kind]) -> None:
        while time.monotonic() < self._until:
            await asyncio.sleep(0.7)
            rule = self._world.chance.choice(kinds).rule
            with self._counted("change of a rule"):
                await self._scene.rules.update(rule.tenant, self._scene.user, rule.rule_id, rule.content)

    async def _lose_jobs(self) -> None:
        while time.monotonic() < self._until:
            await asyncio.sleep(self._world.chance.uniform(0.2, 1.5))
            with self._counted("loss of jobs"):
                await self._world.lose_jobs()

    async def _hurt(self) -> None:
        world = self._world
        faults: dict[str, Callable[[], Awaitable[None]]] = {
            "worker killed": world.kill_a_worker,
            "worker frozen": world.freeze_a_worker,
            "database frozen": world.freeze_the_database,
        }
        await asyncio.sleep(3.0)
        while time.monotonic() < self._until:
            name = world.chance.choice(sorted(faults))
            await faults[name]()
            world.happened(name)
            await asyncio.sleep(world.chance.uniform(1.0, 4.0))

    @contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        """Count an operation and how it was answered; what an outage leaves open is seen in the end, like all else."""
        try:
            yield
        except (Unavailable, ExecutionFinished, ExecutionNotRetriable, RuleDeleted, RuleNotActive) as error:
            self.played.answers[f"{operation}: {type(error).__name__}"] += 1
        else:
            self.played.answers[operation] += 1

    async def _rest(self) -> None:
        """Wait until nothing runs and the queue is empty, or long enough to say that it never will."""
        until = time.monotonic() + LONG + 60
        while not await self._world.at_rest() and time.monotonic() < until:  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.5)
