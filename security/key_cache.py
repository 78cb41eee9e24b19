"""What the directory said of a key within the last second, so that a busy key costs one look-up a second.

The second counts from before the look-up was sent: a revoked key stops working within a second of its revocation.
Refusals are not remembered, and limited keys are not either. Keys are known by their digests only.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from automation.domain.errors import ApiKeyOverLimit
from automation.domain.principal import Principal
from security.bounded import Bounded
from security.directory import Directory, KeyRecord

# A request may still be on its way when its key is revoked: a tenth of the second is left for that.
LIFETIME = 0.9
CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class AcceptedKey:
    """A key that the directory accepted.

    ``stale_at`` and ``expires_at`` are times of the monotonic clock, in seconds: when this may no longer be relied on,
    and when the key itself ends. ``tenant`` is the principal's tenant as text, in lower case.
    """

    principal: Principal
    tenant: str
    stale_at: float
    expires_at: float


class AcceptedKeys:
    """A bounded cache in front of the directory, with one look-up in flight per key.

    Args:
        directory: Where a key is looked up, without counting it as a use.
        clock: A monotonic clock, in seconds.
        capacity: How many keys are remembered; the ones that were looked up longest ago go first.
    """

    def __init__(self, directory: Directory, clock: Callable[[], float], *, capacity: int = CAPACITY) -> None:
        self._directory = directory
        self._clock = clock
        self._accepted: Bounded[bytes, AcceptedKey] = Bounded(capacity)
        self._flights: dict[bytes, asyncio.Task[AcceptedKey | None]] = {}

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._accepted)

    def recall(self, digest: bytes, now: float) -> AcceptedKey | None:
        """Return what is remembered of a key at ``now``, None where it has to be looked up."""
        accepted = self._accepted.get(digest)
        return accepted if accepted is not None and now < accepted.stale_at else None

    async def look_up(self, digest: bytes, now: float) -> AcceptedKey | None:
        """Ask the directory about a key, together with everyone who asks at the same time; None for a limited key.

        A look-up that was sent a second or more before ``now`` is waited for, but its answer is too old to be taken.

        Raises:
            Unauthenticated: The key is not accepted.
            Unavailable: The directory did not answer.
        """
        while True:
            flight = self._flights.get(digest) or self._send(digest)
            # Shielded: the look-up belongs to all who wait for it, whoever gives up.
            accepted = await asyncio.shield(flight)
            if accepted is None or now < accepted.stale_at:
                return accepted

    async def settle(self) -> None:
        """Wait for the look-ups that are still under way."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    def _send(self, digest: bytes) -> asyncio.Task[AcceptedKey | None]:
        flight = asyncio.create_task(self._ask(digest))
        self._flights[digest] = flight
        # A callback and not a `finally`: it also runs for a task that is cancelled before its first step.
        flight.add_done_callback(lambda _: self._flights.pop(digest, None))
        return flight

    async def _ask(self, digest: bytes) -> AcceptedKey | None:
        sent = self._clock()
        try:
            record = await self._directory.resolve(digest, None, count=False)
        except ApiKeyOverLimit:
            # Only a limited key can be; whether this is the answer depends on the tenant that each caller names.
            return None
        if record.limited:
            return None
        accepted = _accepted(record, sent)
        self._accepted.put(digest, accepted)
        return accepted


def _accepted(record: KeyRecord, sent: float) -> AcceptedKey:
    return AcceptedKey(
        principal=record.principal,
        tenant=str(record.principal.tenant),
        stale_at=sent + LIFETIME,
        expires_at=math.inf if record.expires_in is None else sent + record.expires_in,
    )
