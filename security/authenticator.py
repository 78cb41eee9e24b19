"""Whom an API key stands for: the rules by which a key and a tenant header become a principal."""

import time
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from automation.domain.errors import ApiKeyExpired, ApiKeyOverLimit, ApiKeyTenantMismatch, InvalidParameter, Violation
from automation.domain.identifiers import parse_uuid
from automation.domain.principal import Principal
from security import key_format as api_key
from security.bounded import Bounded
from security.directory import Directory
from security.key_cache import CAPACITY, AcceptedKey, AcceptedKeys
from security.key_usage import LastUse

TENANT_HEADER = "x-tenant-id"


class Principals:
    """Resolves keys to principals, by the directory or by what it said within the last second.

    A key with a usage limit is never remembered: each of its requests is counted by the directory, in one round trip.
    That it is limited is learned from its first request, which takes two.

    Args:
        directory: Where keys are kept.
        clock: A monotonic clock, in seconds.
        capacity: How many keys are remembered at most.
    """

    def __init__(
        self, directory: Directory, *, clock: Callable[[], float] = time.monotonic, capacity: int = CAPACITY
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._accepted = AcceptedKeys(directory, clock, capacity=capacity)
        self._limited: Bounded[bytes, None] = Bounded(capacity)
        self._last_use = LastUse(directory)

    def start(self) -> None:
        """Start writing ``last_used_at`` in the background of the running event loop."""
        self._last_use.start()

    async def stop(self) -> None:
        """End everything in the background; call it before the database is closed."""
        await self._accepted.settle()
        await self._last_use.stop()

    async def resolve(self, key: str, tenant: str | None) -> Principal:
        """Return the principal behind a key.

        Args:
            key: The key as the caller sent it, trimmed.
            tenant: The tenant header as the caller sent it, trimmed; None where there was none.

        Raises:
            Unauthenticated: The key is not accepted, or not for that tenant; the concrete class says why.
            InvalidParameter: The key is good, and the tenant header is not a UUID. Nothing was counted.
            Unavailable: The directory did not answer.
        """
        now = self._clock()
        digest = api_key.fingerprint(key)
        accepted = self._accepted.recall(digest, now)
        if accepted is None:
            api_key.verify(key)
            if digest in self._limited:
                return await self._count(digest, tenant)
            accepted = await self._accepted.look_up(digest, now)
            if accepted is None:
                self._limited.put(digest, None)
                return await self._count(digest, tenant)
        return self._admit(accepted, digest, tenant)

    def _admit(self, accepted: AcceptedKey, digest: bytes, tenant: str | None) -> Principal:
        now = self._clock()
        if now >= accepted.expires_at:
            raise ApiKeyExpired
        # Text equal to a canonical UUID needs no parsing; anything else does, upper case included.
        if tenant is not None and tenant != accepted.tenant and _parse(tenant) != accepted.principal.tenant:
            raise ApiKeyTenantMismatch
        self._last_use.note(digest, now)
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
        return record.principal


def _parse(tenant: str) -> UUID:
    parsed = parse_uuid(tenant)
    if parsed is None:
        violation = Violation(parameter=TENANT_HEADER, message="must be one UUID in its canonical form")
        raise InvalidParameter(violations=[violation])
    return parsed
