"""Works bulk operations off beside a server's requests: a batch of each tenant in turn, with rests between."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import structlog

from automation.domain.bounded import Bounded
from automation.domain.bulk_operations import BulkFailure
from automation.domain.errors import Unavailable
from automation.storage.bulk_work import LONGEST, BulkWork, NoRoom, OpenOperation
from automation.storage.pool.periodic import uneven

_log = structlog.get_logger()

INTERVAL = 2.0
"""Seconds between two looks for something to do."""
MOST = 200
"""How many executions are changed in one transaction: less than a request may, for requests are served beside."""
LONG = 1.0
"""Seconds of a batch after which the next one is half as large: others wait for its rows."""
REST = 3
"""How many times as long as a batch took nothing is changed after it: a quarter of one connection's work."""
KNOWN = 1_000
"""Tuned: operations that are remembered because they don't get on as they should."""
PRUNE_INTERVAL = 600.0
"""Tuned: seconds between two looks for what has been over for long enough."""
PRUNE_LIMIT = 5000
"""Tuned: refusals that go in one statement."""


class BulkRounds:
    """Works bulk operations off from ``start`` to ``stop``; every server process tries, and one at a time does.

    Args:
        work: What there is to do.
    """

    def __init__(self, work: BulkWork) -> None:
        self._work = work
        self._most: Bounded[UUID, int] = Bounded(KNOWN)
        """How many executions of an operation are changed at once, where that is fewer than ``MOST``."""
        self._stuck: set[UUID] = set()
        """Which operations did not get on since one did, or all were waited for."""
        self._task: asyncio.Task[None] | None = None
        self._pruned_at = time.monotonic()

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._go_on())

    async def stop(self) -> None:
        """End; a batch that is under way is taken back, and done anew by whoever goes on."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _go_on(self) -> None:
        while True:
            rest = uneven(INTERVAL)
            with suppress(Unavailable):  # requests say so
                rest = await self.turn()
            await asyncio.sleep(rest)

    async def turn(self) -> float:
        """Do one batch of whichever operation's turn it is, and return for how many seconds to rest.

        Where one can't get on, the others go on without it; where none of them can, all are left alone for a while.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        began = time.monotonic()
        operation = await self._work.next()
        if operation is None:
            await self._prune()
            return uneven(INTERVAL)
        if operation.bulk_operation_id in self._stuck or len(self._stuck) >= KNOWN:
            self._stuck.clear()
            return uneven(INTERVAL)
        worked = await self._advance(operation)
        if worked is None:
            return uneven(INTERVAL)
        rest = REST * (time.monotonic() - began)
        return rest if worked else min(rest, INTERVAL)

    async def _advance(self, operation: OpenOperation) -> bool | None:
        """Do a batch, or end what can't go on; return whether it got on, None where another server is at work."""
        if not operation.allowed:
            await self._fail(operation, BulkFailure.PERMISSION_REVOKED)
            return True
        if datetime.now(UTC) - operation.created_at > LONGEST:
            await self._fail(operation, BulkFailure.EXPIRED)
            return True
        most = self._most.get(operation.bulk_operation_id, MOST)
        began = time.monotonic()
        try:
            looked_at = await self._work.batch(operation, most)
        except (NoRoom, Unavailable) as error:
            await self._work.put_off(operation)  # where that can't be done either, the database is away
            if most == 1 or isinstance(error, Unavailable):
                self._stuck.add(operation.bulk_operation_id)
            self._keep(operation, most // 2)
            return False
        except Exception:  # noqa: BLE001 - told in the log; the others go on
            _log.exception("bulk operation broke off", bulk_operation_id=str(operation.bulk_operation_id))
            await self._fail(operation, BulkFailure.INTERNAL_ERROR)
            return True
        if looked_at is None:
            return None
        self._stuck.clear()
        over = looked_at < most
        self._keep(operation, MOST if over else most // 2 if time.monotonic() - began > LONG else most * 2)
        return True

    async def _fail(self, operation: OpenOperation, failure: BulkFailure) -> None:
        await self._work.fail(operation, failure)
        self._keep(operation, MOST)

    def _keep(self, operation: OpenOperation, most: int) -> None:
        """Remember how large the next batch of an operation is, where that is fewer than usual."""
        if most < MOST:
            self._most.put(operation.bulk_operation_id, max(1, most))
        else:
            self._most.pop(operation.bulk_operation_id, None)

    async def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_INTERVAL:
            return
        if await self._work.prune(PRUNE_LIMIT) < PRUNE_LIMIT:
            self._pruned_at = time.monotonic()
