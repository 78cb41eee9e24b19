"""Works bulk operations off beside a server's requests: a batch of each tenant in turn, with rests between."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

import structlog

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
PRUNE_INTERVAL = 600.0
PRUNE_LIMIT = 5000


class BulkRounds:
    """Works bulk operations off from ``start`` to ``stop``; every server process tries, and one at a time does.

    Args:
        work: What there is to do.
    """

    def __init__(self, work: BulkWork) -> None:
        self._work = work
        self._most = MOST
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

        Raises:
            Unavailable: where the database cannot be reached.
        """
        began = time.monotonic()
        operation = await self._work.next()
        if operation is None:
            await self._prune()
            return uneven(INTERVAL)
        worked = await self._advance(operation)
        return REST * (time.monotonic() - began) if worked else uneven(INTERVAL)

    async def _advance(self, operation: OpenOperation) -> bool:
        """Do a batch, or end what can't go on; return whether there may be more to do at once."""
        if not operation.allowed:
            await self._work.fail(operation, BulkFailure.PERMISSION_REVOKED)
            return True
        if datetime.now(UTC) - operation.created_at > LONGEST:
            await self._work.fail(operation, BulkFailure.EXPIRED)
            return True
        began = time.monotonic()
        try:
            looked_at = await self._work.batch(operation, self._most)
        except NoRoom:
            crowded = self._most == 1
            self._most = max(1, self._most // 2)
            await self._work.put_off(operation)
            return not crowded
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - told in the log; the others go on
            _log.exception("bulk operation broke off", bulk_operation_id=str(operation.bulk_operation_id))
            await self._work.fail(operation, BulkFailure.INTERNAL_ERROR)
            return True
        if looked_at is None:
            return False
        self._most = max(1, self._most // 2) if time.monotonic() - began > LONG else min(MOST, self._most * 2)
        return True

    async def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_INTERVAL:
            return
        if await self._work.prune(PRUNE_LIMIT) < PRUNE_LIMIT:
            self._pruned_at = time.monotonic()
