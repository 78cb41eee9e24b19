"""Attacks on processes: workers, children and the parent of the service are killed, frozen and replaced."""

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from random import Random

import httpx

from tests.system.children import await_children, children_of
from tests.system.hostile.arena import CHILDREN, Arena
from tests.system.hostile.attacks import Attack, Target
from tests.system.hostile.bounds import Concession
from tests.system.load import Load, burden
from tests.system.processes import frozen

_LONGEST_FREEZE = 3.0
_START = 10.0
"""Seconds that a connection may wait for the processes of a service that starts: it listens before they are there."""
_PAIRS = 40
_LEASE_LOST = 20.0
"""Seconds in which a run begins whose worker is gone: a lease of four, a sweep, and the start of another worker."""


class WorkerKilled(Attack):
    """A worker is killed, and another one started."""

    target = Target.WORKERS
    concession = Concession(started=_LEASE_LOST)

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        await arena.kill_a_worker(chance.choice(arena.workers))
        return []


class WorkerFrozen(Attack):
    """A worker is frozen, for longer than its lease now and then."""

    target = Target.WORKERS
    concession = Concession(started=_LEASE_LOST)

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        with frozen(chance.choice(arena.workers).popen.pid):
            await asyncio.sleep(chance.uniform(1.0, 6.0))
        return []


class ChildKilled(Attack):
    """A process that answers requests is killed; its parent replaces it."""

    target = Target.SERVICE
    concession = Concession(losses=True, slowness=True)
    replaces = True

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        child = chance.choice(await asyncio.to_thread(await_children, arena.service, CHILDREN))
        child.kill()
        return []


class ChildFrozen(Attack):
    """A process that answers requests is frozen for up to 3 s, which is no reason to replace it."""

    target = Target.SERVICE
    concession = Concession(slowness=True, held=_LONGEST_FREEZE)

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        child = chance.choice(await asyncio.to_thread(await_children, arena.service, CHILDREN))
        with frozen(child.pid):
            await asyncio.sleep(chance.uniform(0.5, _LONGEST_FREEZE))
        return []


class ParentFrozen(Attack):
    """The parent of the service is frozen for up to 3 s; its children answer on, and none is replaced."""

    target = Target.SERVICE

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        arena.service.popen.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(chance.uniform(0.5, _LONGEST_FREEZE))
        finally:
            arena.service.popen.send_signal(signal.SIGCONT)
        return []


class ParentKilled(Attack):
    """The parent of the service is killed, its children end with it, and it is started again on its port."""

    target = Target.SERVICE
    # Whoever connects while it starts comes from one address here, and may meet the cap of that.
    concession = Concession(refusals=True, losses=True, slowness=True, held=_START)
    replaces = True

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        await arena.kill_the_service()
        return []


class ServiceStopped(Attack):
    """A signal stops the service under load, and it is started again: connections are refused, and nothing is lost."""

    target = Target.SERVICE
    concession = Concession(refusals=True, refused=True, slowness=True, held=_START)
    replaces = True

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        load = Load(httpx.URL(arena.base_url).port or 0, chance)

        async def stop() -> None:
            await asyncio.sleep(chance.uniform(0.3, 1.0))
            arena.service.popen.send_signal(signal.SIGTERM)

        await burden(load, stop, pairs=_PAIRS)
        await arena.start_the_service_again()
        lost = Counter(load.lost)
        return [
            *(f"{times} requests were lost by the stop: {how}" for how, times in lost.items()),
            *([] if load.answered > _PAIRS else ["no load came about"]),
        ]


class ChildrenReplaced(Attack):
    """A signal has the parent replace its children one after the other, without a request lost."""

    target = Target.SERVICE
    concession = Concession(slowness=True)
    replaces = True

    async def run(self, arena: Arena, chance: Random) -> Sequence[str]:
        before = {child.pid for child in await asyncio.to_thread(await_children, arena.service, CHILDREN)}
        arena.service.popen.send_signal(signal.SIGHUP)
        async with asyncio.timeout(60):
            while before & {child.pid for child in children_of(arena.service)}:  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(0.1)
        return []
