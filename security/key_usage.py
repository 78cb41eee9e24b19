"""Times of each key's last use, written behind the requests so that none of them waits for a write.

A key is written at most once a minute by each process. What could not be written is tried again; what a process that
is killed had not written yet is lost, which ``last_used_at`` can bear.
"""

import logging
import math

from automation.domain.bounded import Bounded
from automation.storage.keys import KeyDirectory
from automation.storage.pool.periodic import Periodic

INTERVAL = 60.0
CAPACITY = 100_000

_logger = logging.getLogger(__name__)


class KeyUsage:
    """Collects the digests of keys in use and has the directory write them, about once a second.

    Args:
        directory: Where ``last_used_at`` is kept.
        period: Seconds between two writes.
        capacity: How many keys are known at a time; beyond it the oldest are forgotten, and written once more when
            they are used again.
    """

    def __init__(self, directory: KeyDirectory, *, period: float = 1.0, capacity: int = CAPACITY) -> None:
        self._directory = directory
        self._due: Bounded[bytes, float] = Bounded(capacity)
        self._pending: Bounded[bytes, None] = Bounded(capacity)
        self._failing = False
        self._writing = Periodic(self.flush, period)

    def note(self, digest: bytes, now: float) -> float:
        """Remember that a key was used at ``now``, in seconds of a monotonic clock; return when that is due again."""
        due = self._due.get(digest, -math.inf)
        if now < due:
            return due
        self._due.put(digest, now + INTERVAL)
        self._pending.put(digest, None)
        return now + INTERVAL

    def start(self) -> None:
        """Start writing in the background of the running event loop."""
        self._writing.start()

    async def stop(self) -> None:
        """Write what is pending and end the background task."""
        await self._writing.stop()

    async def flush(self) -> None:
        """Write what is pending; where that fails it stays pending."""
        if not self._pending:
            return
        digests = tuple(self._pending)
        self._pending.clear()
        try:
            await self._directory.touch(digests)
        except Exception as error:  # noqa: BLE001 - the background task has to outlive whatever it meets
            self._keep(digests, error)
        else:
            self._failing = False

    def _keep(self, digests: tuple[bytes, ...], error: Exception) -> None:
        for digest in digests:
            self._pending.put(digest, None)
        if not self._failing:
            _logger.warning("last_used_at of %d keys could not be written yet", len(digests), exc_info=error)
        self._failing = True
