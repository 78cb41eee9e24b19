"""Refusals of keys and of tokens of hooks by the address that they come from: too many are slowed down, told in a line.

Nobody else notices: a key that is accepted is accepted from any address, however many others are refused there, for
many clients may share one. What is known is this process's, and bounded.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network, ip_address

from automation.domain.bounded import Bounded
from automation.domain.errors import AutomationError, TooManyRefusedKeys

MINUTE = 60.0
CAPACITY = 10_000
FIRST_REPORT = 5.0
"""Seconds from the moment at which an address is slowed down to the line that tells of it, with how many there were."""
HELD_SECONDS = 1.0
MOST_HELD = 64

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Offender:
    """An address, or a network: how many of its keys were refused in the minute that ends at ``until``."""

    until: float
    refused: int = 0
    unreported: Counter[str] = field(default_factory=Counter)
    key: str | None = None
    report: asyncio.TimerHandle | None = None


class RefusedKeys:
    """Counts the keys that are refused, by address; IPv6 by /64, which is what one client gets.

    Args:
        most: How many refusals of an address in a minute are answered like any other.
        clock: A monotonic clock, in seconds.
        capacity: How many addresses are known; those that were refused longest ago go first.
        held_seconds: How long an answer is held back to an address that has too many.
    """

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        capacity: int = CAPACITY,
        held_seconds: float = HELD_SECONDS,
    ) -> None:
        self._most = most
        self._clock = clock
        self._known: Bounded[str, _Offender] = Bounded(capacity)
        self._held_seconds = held_seconds
        self._held = 0

    def __len__(self) -> int:
        """Return how many addresses are known."""
        return len(self._known)

    async def count(self, client: str | None, error: AutomationError, prefix: str | None) -> None:
        """Count the refusal of a key, or of a hook's token.

        Args:
            client: The address that it came from; None where that is not known, and nothing is counted.
            error: Why it was refused.
            prefix: How the key begins, as it may be shown; None where it is no key at all.

        Raises:
            TooManyRefusedKeys: There were too many from there. It is raised late, which slows down whoever waits.
        """
        if client is None:
            return
        now = self._clock()
        offender = self._offender(network(client), now)
        offender.refused += 1
        if offender.refused <= self._most:
            return
        offender.unreported[error.code] += 1
        offender.key = prefix
        if offender.report is None:
            self._report_later(network(client), offender, FIRST_REPORT)
        await self._hold()
        seconds = max(1, math.ceil(offender.until - self._clock()))
        detail = (
            f"More than {self._most} requests from this address were refused for their API keys in a minute; "
            f"the next minute begins in {seconds} s."
        )
        raise TooManyRefusedKeys(detail, headers={"Retry-After": str(seconds)}) from error

    def stop(self) -> None:
        """Tell what was not told yet."""
        for client, offender in self._known.items():
            self._tell(client, offender)

    def _offender(self, client: str, now: float) -> _Offender:
        offender = self._known.get(client)
        if offender is None:
            offender = _Offender(now + MINUTE)
        elif now >= offender.until:
            offender.until, offender.refused = now + MINUTE, 0
        self._known.put(client, offender)
        return offender

    async def _hold(self) -> None:
        """Wait, unless many wait already: an attacker shall not fill the memory with answers that are held."""
        if self._held >= MOST_HELD:
            return
        self._held += 1
        try:
            await asyncio.sleep(self._held_seconds)
        finally:
            self._held -= 1

    def _report_later(self, client: str, offender: _Offender, seconds: float) -> None:
        # In a context of its own: it is no request's line.
        loop = asyncio.get_running_loop()
        offender.report = loop.call_later(seconds, self._report, client, offender, context=Context())

    def _report(self, client: str, offender: _Offender) -> None:
        offender.report = None
        if offender.unreported:
            self._tell(client, offender)
            self._report_later(client, offender, MINUTE)

    def _tell(self, client: str, offender: _Offender) -> None:
        if not offender.unreported:
            return
        details = {
            "client": client,
            "count": offender.unreported.total(),
            "codes": dict(offender.unreported),
            "key": offender.key,
        }
        _logger.warning("keys from an address were refused too often", extra=details)
        offender.unreported.clear()


def network(client: str) -> str:
    """Return what an address is counted as: itself, or its network of 64 bits where it is one of IPv6."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return client
    mapped = address.ipv4_mapped
    return str(mapped) if mapped is not None else str(IPv6Network((int(address), 64), strict=False))
