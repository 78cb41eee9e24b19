"""Makes a principal of an API key and a tenant header, by the rules that decide whom a key stands for."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from automation.domain.bounded import Bounded
from automation.domain.errors import ApiKeyExpired, ApiKeyOverLimit, ApiKeyTenantMismatch, InvalidParameter, Violation
from automation.domain.identifiers import parse_uuid
from automation.domain.principal import Principal
from automation.storage.keys import KeyDirectory, KeyRecord
from security import key_format
from security.freshness import Freshness
from security.key_cache import CAPACITY, AcceptedKey, KeyCache
from security.key_usage import KeyUsage
from security.rate_limits import RateLimits

TENANT_HEADER = "x-tenant-id"


class TokenInfo(TypedDict):
    """What Connexion keeps of an authenticated request, under ``token_info`` in its context.

    ``sub`` is the name under which Connexion expects the user.
    """

    sub: UUID
    principal: Principal


class Authenticator:
    """Resolves keys to principals, by the directory or by what it said and is still as good as new.

    A key with a usage limit is never remembered: each of its requests is counted by the directory, in one round trip.
    That it is limited is learned from its first request, which takes two.

    Args:
        directory: Where keys are kept.
        clock: A monotonic clock, in seconds.
        capacity: How many keys are remembered at most.
        rates: What limits the requests with keys that are accepted; None for nothing.
        freshness: What is heard of changes of keys; without it, nothing is.
    """

    def __init__(
        self,
        directory: KeyDirectory,
        *,
        clock: Callable[[], float] = time.monotonic,
        capacity: int = CAPACITY,
        rates: RateLimits | None = None,
        freshness: Freshness | None = None,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._rates = rates
        self._cache = KeyCache(directory, clock, capacity=capacity, admitted=self._admitted, freshness=freshness)
        self._limited: Bounded[bytes, None] = Bounded(capacity)
        self._usage = KeyUsage(directory)

    def start(self) -> None:
        """Start writing ``last_used_at`` in the background of the running event loop."""
        self._usage.start()

    async def stop(self) -> None:
        """End everything in the background; call it before the database is closed."""
        await self._cache.settle()
        if self._rates is not None:
            await self._rates.settle()
        await self._usage.stop()

    async def resolve(self, key: str, tenant: str | None) -> Principal:
        """Return the principal behind a key.

        Args:
            key: The key as the caller sent it, trimmed.
            tenant: The tenant header as the caller sent it, trimmed; None where there was none.

        Raises:
            Unauthenticated: The key is not accepted, or not for that tenant; the concrete class says why.
            InvalidParameter: The key is good, and the tenant header is not a UUID. Nothing was counted.
            RateLimited: The key is good, and was used too often within the minute, or others of its tenant were.
            Unavailable: The directory did not answer.
        """
        now = self._clock()
        digest = key_format.fingerprint(key)
        accepted = self._cache.recall(digest, now)
        if accepted is None:
            key_format.require_well_formed(key)
            if digest in self._limited:
                return await self._count(digest, tenant)
            accepted = await self._cache.look_up(digest, now)
            if accepted is None:
                self._limited.put(digest, None)
                return await self._count(digest, tenant)
            now = self._clock()
        principal = self._admit(accepted, digest, tenant, now)
        # Nothing comes between this look and the subtraction.
        for each in principal.allowances:
            if each.left < 1 or now >= each.until:
                return await self._taken(principal)
        for each in principal.allowances:
            each.left -= 1
        return principal

    def _admitted(self, record: KeyRecord) -> Principal:
        """Return the principal of an accepted key, with what its requests count against."""
        allowances = () if self._rates is None else self._rates.allowances(record)
        return replace(record.principal, allowances=allowances) if allowances else record.principal

    async def _taken(self, principal: Principal) -> Principal:
        """Return a principal one of whose requests was counted against its limits."""
        if self._rates is not None:
            await self._rates.take(principal.allowances)
        return principal

    def _admit(self, accepted: AcceptedKey, digest: bytes, tenant: str | None, now: float) -> Principal:
        if now >= accepted.expires_at:
            raise ApiKeyExpired
        # Text equal to a canonical UUID needs no parsing; anything else does, upper case included.
        if tenant is not None and tenant != accepted.tenant and _parse(tenant) != accepted.principal.tenant:
            raise ApiKeyTenantMismatch
        if now >= accepted.noted_at:
            accepted.noted_at = self._usage.note(digest, now)
        return accepted.principal

    async def _count(self, digest: bytes, tenant: str | None) -> Principal:
        try:
            named = None if tenant is None else _parse(tenant)
        except InvalidParameter:
            # What is wrong with the key comes first, but for its limit: such a request is not a use.
            with suppress(ApiKeyOverLimit):
                await self._directory.resolve(digest, None, count=False)
            raise
        record = await self._directory.resolve(digest, named, count=True)
        if not record.limited:
            self._limited.pop(digest, None)
        return await self._taken(self._admitted(record))


async def authenticate(api_key: str, tenant: str | None, authenticator: Authenticator) -> TokenInfo:
    """Return who is calling; named by the contract in ``x-apikeyInfoFunc``.

    Args:
        api_key: The key, trimmed.
        tenant: The tenant header, trimmed; None where the request has none.
        authenticator: Where keys become principals.

    Raises:
        Unauthenticated: The key is not accepted, or not for that tenant; the concrete class says why.
        InvalidParameter: The key is good, and the tenant header is not a UUID.
        RateLimited: The key is good, and was used too often within the minute, or others of its tenant were.
        Unavailable: The keys' directory did not answer.
    """
    principal = await authenticator.resolve(api_key, tenant)
    return {"sub": principal.user, "principal": principal}


def _parse(tenant: str) -> UUID:
    parsed = parse_uuid(tenant)
    if parsed is None:
        violation = Violation(parameter=TENANT_HEADER, message="must be one UUID in its canonical form")
        raise InvalidParameter(violations=[violation])
    return parsed
