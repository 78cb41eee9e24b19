"""Answers of the directory from within the last second, so that a busy key costs one look-up a second.

The second counts from before the look-up was sent: a revoked key stops working within a second of its revocation.
Refusals are not remembered, and limited keys are not either. Keys are known by their digests only.
"""

import asyncio
import math
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

from automation.domain.errors import ApiKeyOverLimit, Unavailable
from automation.domain.principal import Principal
from automation.storage.keys import KeyDirectory, KeyRecord
from security.bounded import Bounded

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


@dataclass(eq=False, slots=True)
class _Flight:
    """A look-up under way: when it was sent, by the monotonic clock, and who waits for its answer."""

    digest: bytes
    sent: float
    waiting: list[asyncio.Future[AcceptedKey | None]] = field(default_factory=list)


class KeyCache:
    """A bounded cache in front of the directory; those who ask for a key at the same time share a look-up.

    Args:
        directory: Where a key is looked up, without counting it as a use.
        clock: A monotonic clock, in seconds.
        capacity: How many keys are remembered; the ones that were looked up longest ago go first.
        admitted: Makes the principal of an accepted key that is remembered.
    """

    def __init__(
        self,
        directory: KeyDirectory,
        clock: Callable[[], float],
        *,
        capacity: int = CAPACITY,
        admitted: Callable[[KeyRecord], Principal] = attrgetter("principal"),
    ) -> None:
        self._directory = directory
        self._admitted = admitted
        self._clock = clock
        self._accepted: Bounded[bytes, AcceptedKey] = Bounded(capacity)
        self._flights: dict[bytes, _Flight] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._accepted)

    def recall(self, digest: bytes, now: float) -> AcceptedKey | None:
        """Return what is remembered of a key at ``now``, None where it has to be looked up."""
        accepted = self._accepted.get(digest)
        return accepted if accepted is not None and now < accepted.stale_at else None

    async def look_up(self, digest: bytes, now: float) -> AcceptedKey | None:
        """Ask the directory about a key, together with everyone who asks at the same time; None for a limited key.

        Whoever asks waits for one look-up and takes its answer. Whether that will be fresh enough is known beforehand,
        from the time at which the look-up was sent: one that is too old at ``now`` is left to those who wait for it,
        and another one is sent. So a key has one look-up under way for each ``LIFETIME`` that the directory is slow.

        Raises:
            Unauthenticated: The key is not accepted.
            Unavailable: The directory did not answer.
        """
        flight = self._flights.get(digest)
        if flight is None or now >= flight.sent + LIFETIME:
            flight = self._send(digest)
        # A future of each one's own: whoever gives up takes nothing from the others.
        answer: asyncio.Future[AcceptedKey | None] = asyncio.get_running_loop().create_future()
        flight.waiting.append(answer)
        return await answer

    async def settle(self) -> None:
        """Wait for the look-ups that are still under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _send(self, digest: bytes) -> _Flight:
        flight = self._flights[digest] = _Flight(digest, self._clock())
        # In a context of its own: it is nobody's request, and must not name one in the log.
        task = asyncio.create_task(self._fly(flight), context=Context())
        self._under_way.add(task)
        task.add_done_callback(partial(self._forget, flight))
        return flight

    def _forget(self, flight: _Flight, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if task.cancelled():
            self._fail(flight, Unavailable())  # also where it was before its first step: nobody waits for ever

    async def _fly(self, flight: _Flight) -> None:
        try:
            accepted = await self._ask(flight)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            self._fail(flight, error)
        except BaseException:
            self._fail(flight, Unavailable())
            raise
        else:
            self._land(flight, accepted)

    async def _ask(self, flight: _Flight) -> AcceptedKey | None:
        try:
            record = await self._directory.resolve(flight.digest, None, count=False)
        except ApiKeyOverLimit:
            # Only a limited key can be; whether this is the answer depends on the tenant that each caller names.
            return None
        return None if record.limited else self._accepted_at(record, flight.sent)

    def _accepted_at(self, record: KeyRecord, sent: float) -> AcceptedKey:
        return AcceptedKey(
            principal=self._admitted(record),
            tenant=str(record.principal.tenant),
            stale_at=sent + LIFETIME,
            expires_at=math.inf if record.expires_in is None else sent + record.expires_in,
        )

    def _land(self, flight: _Flight, accepted: AcceptedKey | None) -> None:
        if self._remove(flight) and accepted is not None:
            self._accepted.put(flight.digest, accepted)
        for answer in flight.waiting:
            if not answer.done():
                answer.set_result(accepted)

    def _fail(self, flight: _Flight, error: Exception) -> None:
        self._remove(flight)
        for answer in flight.waiting:
            if not answer.done():
                answer.set_exception(error)

    def _remove(self, flight: _Flight) -> bool:
        """Remove a look-up that ends; return whether it was the key's latest."""
        latest = self._flights.get(flight.digest) is flight
        if latest:
            del self._flights[flight.digest]
        return latest
