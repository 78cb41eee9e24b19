"""Answers of the directory that are as good as new: those of which no change can be unheard of for more than a second.

Where changes are heard of, an answer is good until the key, its user or its tenant has changed; where they are not,
for less than a second, from before the look-up was sent. A revoked key stops working within a second of its revocation
either way. Refusals are not remembered, and limited keys are not either. Keys are known by their digests only.
"""

import asyncio
import math
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

from automation.domain.bounded import Bounded
from automation.domain.errors import ApiKeyOverLimit, Unavailable
from automation.domain.principal import Principal
from automation.storage.keys import KeyDirectory, KeyRecord
from security.freshness import GOOD_FOR, Freshness, Watch, place_of

CAPACITY = 100_000
LONGEST = 600.0
"""Seconds after which a key is looked up again whatever is heard: clocks drift, and triggers can be switched off."""


@dataclass(slots=True)
class AcceptedKey:
    """A key that the directory accepted.

    ``tenant`` is the principal's tenant as text, in lower case. ``stale_at``, ``forgotten_at`` and ``expires_at`` are
    times of the monotonic clock, in seconds: until when this can be relied on whatever is heard, until when where all
    changes are heard of, and when the key itself ends. ``watch``, ``heard`` and the places are what ``Freshness`` says
    of that. ``noted_at`` is public to whoever notes when keys are used: when that is due again.
    """

    principal: Principal
    tenant: str
    stale_at: float
    forgotten_at: float
    expires_at: float
    watch: Watch
    heard: int
    user_place: int
    tenant_place: int
    noted_at: float = -math.inf


@dataclass(eq=False, slots=True)
class _Flight:
    """A look-up under way: when it was sent, by the monotonic clock and by what was heard, and who waits for it."""

    digest: bytes
    sent: float
    watch: Watch
    heard: int
    waiting: list[asyncio.Future[AcceptedKey | None]] = field(default_factory=list)


class KeyCache:
    """A bounded cache in front of the directory; those who ask for a key at the same time share a look-up.

    Args:
        directory: Where a key is looked up, without counting it as a use.
        clock: A monotonic clock, in seconds.
        capacity: How many keys are remembered; the ones that were looked up longest ago go first.
        admitted: Makes the principal of an accepted key that is remembered.
        freshness: What is heard of changes; without it, nothing is.
    """

    def __init__(
        self,
        directory: KeyDirectory,
        clock: Callable[[], float],
        *,
        capacity: int = CAPACITY,
        admitted: Callable[[KeyRecord], Principal] = attrgetter("principal"),
        freshness: Freshness | None = None,
    ) -> None:
        self._freshness = freshness or Freshness()
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
        if accepted is None:
            return None
        if now >= accepted.stale_at and (now >= accepted.watch.proved_until or now >= accepted.forgotten_at):
            return None
        places, heard = self._freshness.places, accepted.heard
        if places[accepted.user_place] > heard or places[accepted.tenant_place] > heard:
            return None
        return accepted

    async def look_up(self, digest: bytes, now: float) -> AcceptedKey | None:
        """Ask the directory about a key, together with everyone who asks at the same time; None for a limited key.

        Whoever asks waits for one look-up and takes its answer. Whether that will be fresh enough is known beforehand,
        from the time at which the look-up was sent: one that is too old at ``now``, or was sent before the latest
        change that was heard of, is left to those who wait for it, and another one is sent. So a key has one look-up
        under way for each ``GOOD_FOR`` that the directory is slow, and for each change that somebody asks after.

        Raises:
            Unauthenticated: The key is not accepted.
            Unavailable: The directory did not answer.
        """
        flight = self._flights.get(digest)
        if flight is None or now >= flight.sent + GOOD_FOR or flight.heard != self._freshness.heard:
            flight = self._send(digest)
        # A future of each one's own: whoever gives up takes nothing from the others.
        answer: asyncio.Future[AcceptedKey | None] = asyncio.get_running_loop().create_future()
        flight.waiting.append(answer)
        return await answer

    async def settle(self) -> None:
        """Wait for the look-ups that are still under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _send(self, digest: bytes) -> _Flight:
        flight = _Flight(digest, self._clock(), self._freshness.watch, self._freshness.heard)
        self._flights[digest] = flight
        # In a context of its own: it is nobody's request, and must not name one in the log.
        task = asyncio.create_task(self._fly(flight), context=Context())
        self._under_way.add(task)
        task.add_done_callback(partial(self._forget, flight))
        return flight

    def _forget(self, flight: _Flight, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if task.cancelled():
            self._fail(flight, Unavailable())  # wherever it was, also before its first step: nobody waits for ever

    async def _fly(self, flight: _Flight) -> None:
        try:
            accepted = await self._ask(flight)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            self._fail(flight, error)
        else:
            self._land(flight, accepted)

    async def _ask(self, flight: _Flight) -> AcceptedKey | None:
        try:
            record = await self._directory.resolve(flight.digest, None, count=False)
        except ApiKeyOverLimit:
            # Only a limited key can be; whether this is the answer depends on the tenant that each caller names.
            return None
        return None if record.limited else self._accepted_by(record, flight)

    def _accepted_by(self, record: KeyRecord, flight: _Flight) -> AcceptedKey:
        principal = self._admitted(record)
        return AcceptedKey(
            principal=principal,
            tenant=str(principal.tenant),
            stale_at=flight.sent + GOOD_FOR,
            forgotten_at=flight.sent + LONGEST,
            expires_at=math.inf if record.expires_in is None else flight.sent + record.expires_in,
            watch=flight.watch,
            heard=flight.heard,
            user_place=place_of(principal.user),
            tenant_place=place_of(principal.tenant),
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
