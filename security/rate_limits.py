"""Limits on requests: lets in as many in a minute as a tenant and a key may send, over all processes together.

A process counts down what it has leased (``automation/domain/allowance.py``), and asks for more when that is used up or
its minute has ended: so a limit costs a request nothing but a subtraction, and is never exceeded. Without the database,
what was leased holds until its minute ends.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from uuid import UUID

from automation.domain.allowance import Allowance, rate_limit_fields
from automation.domain.bounded import Bounded
from automation.domain.errors import RateLimited
from automation.domain.limits import Limit, Limits
from automation.storage.keys import KeyRecord
from automation.storage.rate_windows import RateWindows

CAPACITY = 200_000
"""A tenant's and a key's own, for each key that is remembered."""

_TENANT = "tenant"
_KEY = "key"


class RateLimits:
    """The allowances of all tenants and keys that this process knows; whoever is forgotten leases anew.

    Args:
        windows: Where requests are leased.
        defaults: What a tenant may use that has no limits of its own.
        clock: A monotonic clock, in seconds.
        capacity: How many tenants and keys are known at a time; those whose key was looked up longest ago go first.
    """

    def __init__(
        self,
        windows: RateWindows,
        defaults: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        capacity: int = CAPACITY,
    ) -> None:
        self._windows = windows
        self._default = defaults.get(Limit.REQUESTS_PER_MINUTE)
        self._clock = clock
        self._known: Bounded[tuple[object, str], Allowance] = Bounded(capacity)
        self._leases: dict[Allowance, asyncio.Task[None]] = {}

    def allowances(self, record: KeyRecord) -> tuple[Allowance, ...]:
        """Return what the requests of an accepted key count against: its tenant's limit and its own, if any."""
        principal = record.principal
        of_tenant = self.of_tenant(principal.tenant, record.tenant_requests)
        if record.key_requests is None:
            return of_tenant
        return (*of_tenant, self._allowance(principal.tenant, principal.key_prefix, _KEY, record.key_requests))

    def of_tenant(self, tenant: UUID, own: int | None) -> tuple[Allowance, ...]:
        """Return what the requests to a tenant's hooks count against: its limit, which may be its own, if any."""
        quota = self._default if own is None else own
        return () if quota is None else (self._allowance(tenant, _TENANT, _TENANT, quota),)

    def _allowance(self, tenant: UUID, subject: str, name: str, quota: int) -> Allowance:
        known = self._known.get((tenant, subject))
        if known is None:
            known = Allowance(tenant, subject, name, quota)
        elif known.quota != quota:
            known.change(quota)
        self._known.put((tenant, subject), known)
        return known

    async def settle(self) -> None:
        """Wait for the leases that are still under way."""
        await asyncio.gather(*self._leases.values(), return_exceptions=True)

    async def take(self, allowances: Sequence[Allowance]) -> None:
        """Count a request against all of its limits; where one lets no more in, against none.

        Raises:
            RateLimited: A limit is reached.
            Unavailable: What was leased is used up, and the database did not answer.
        """
        while (empty := self._first_empty(allowances)) is not None:
            self._require_not_refused(empty, allowances)
            # Shielded: whoever gives up takes nothing from the others.
            await asyncio.shield(self._lease(empty))
        for each in allowances:
            each.left -= 1

    def _first_empty(self, allowances: Sequence[Allowance]) -> Allowance | None:
        now = self._clock()
        return next((each for each in reversed(allowances) if each.left < 1 or now >= each.until), None)

    def _require_not_refused(self, empty: Allowance, allowances: Sequence[Allowance]) -> None:
        now = self._clock()
        if now >= empty.refused_until:
            return
        seconds = max(1, math.ceil(empty.until - now))
        whose = empty.name.decode()
        fields = {name.decode(): value.decode() for name, value in rate_limit_fields(allowances, now)}
        raise RateLimited(
            f"The {whose}'s limit of {empty.quota} requests per minute is reached; "
            f"the next minute begins in {seconds} s.",
            headers={"Retry-After": str(seconds), **fields},
        )

    def _lease(self, allowance: Allowance) -> "asyncio.Task[None]":
        """Return the lease that is under way for an allowance. It is no longer there once it has ended."""
        lease = self._leases.get(allowance)
        if lease is None:
            # In a context of its own: it is nobody's request, and no part of anybody's transaction.
            lease = asyncio.create_task(self._ask(allowance), context=Context())
            self._leases[allowance] = lease
            lease.add_done_callback(partial(self._forget, allowance))
        return lease

    async def _ask(self, allowance: Allowance) -> None:
        quota, sent = allowance.quota, self._clock()
        try:
            lease = await self._windows.lease(allowance, allowance.wanted(sent))
        finally:
            self._leases.pop(allowance, None)
        if allowance.quota == quota:
            allowance.receive(lease, sent)

    def _forget(self, allowance: Allowance, ended: "asyncio.Task[None]") -> None:
        if ended.cancelled():
            self._leases.pop(allowance, None)  # also where it was before its first step
