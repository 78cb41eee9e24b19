"""Removes what has been kept for long enough, beside the runs: a batch of each tenant in turn, with rests between."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from automation.domain.errors import Unavailable
from automation.domain.pages import NO_ID
from automation.domain.retention import Kept, Retention
from automation.storage.due import Due
from automation.storage.pool.periodic import uneven
from automation.storage.retention import Place, RetentionStore, TenantRetention

_log = structlog.get_logger()

INTERVAL = 600.0
"""Seconds between two rounds through all tenants."""
TENANTS = 200
"""Tuned: how many tenants are taken in turn at a time."""
REST = 3
"""How many times as long as a batch took nothing is removed after it: a quarter of one connection's work at most."""
LEAST_REST = 0.01
"""Tuned: seconds of a rest, at least."""
ANSWERS_INTERVAL = 10.0
"""Tuned: seconds between two looks for answers whose time is over."""
ANSWERS_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class _Walk:
    """A way through what one tenant keeps of one kind."""

    tenant: UUID
    kept: Kept
    days: int
    place: Place


async def keep(store: RetentionStore, defaults: Retention) -> None:
    """Go round through all tenants, again and again, until cancelled; an outage is waited out."""
    while True:
        try:
            removed = await go_round(store, defaults)
            if removed:
                _log.info("retention", **{str(kept): count for kept, count in removed.items()})
        except Unavailable as error:
            _log.warning("retention is put off", error=error.detail)
        await asyncio.sleep(uneven(INTERVAL))


async def go_round(store: RetentionStore, defaults: Retention) -> Counter[Kept]:
    """Remove what all tenants have kept for long enough, and return how much.

    It ends early where another worker is at it: one is enough.

    Raises:
        Unavailable: where the database cannot be reached.
    """
    removed: Counter[Kept] = Counter()
    after = NO_ID
    while tenants := await store.tenants(after, TENANTS):
        after = tenants[-1].tenant
        walks = deque(_walks(tenants, defaults))
        while walks:
            walk = walks.popleft()
            began = time.monotonic()
            batch = await store.prune(walk.tenant, walk.kept, walk.days, walk.place)
            if batch is None:
                return +removed
            removed[walk.kept] += batch.removed
            if batch.further is not None:
                walks.append(replace(walk, place=batch.further))
            await asyncio.sleep(max(LEAST_REST * (batch.removed > 0), REST * (time.monotonic() - began)))
    return +removed


async def keep_answers(due: Due) -> None:
    """Have answers to requests and events removed whose time is over, a bounded number at a time, until cancelled."""
    while True:
        began = time.monotonic()
        removed = 0
        with suppress(Unavailable):  # the sweep says so
            removed = max(await due.prune(ANSWERS_LIMIT), await due.prune_events(ANSWERS_LIMIT))
        more = removed == ANSWERS_LIMIT
        await asyncio.sleep(REST * (time.monotonic() - began) if more else uneven(ANSWERS_INTERVAL))


def _walks(tenants: Iterable[TenantRetention], defaults: Retention) -> Iterable[_Walk]:
    for each in tenants:
        for kept, days in each.days(defaults).items():
            yield _Walk(each.tenant, kept, days, Place())
