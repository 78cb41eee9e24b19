"""A keys' directory in memory, a deliberate double: it counts look-ups and holds them, which no database does on cue.

The same rules are tested against the real directory in ``test_keys_in_force``.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from automation.domain.errors import ApiKeyExpired, ApiKeyInvalid, ApiKeyOverLimit, ApiKeyTenantMismatch
from automation.domain.principal import Principal
from automation.storage.keys import KeyDirectory, KeyRecord
from security import key_format


class Clock:
    """A monotonic clock that moves by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class StoredKey:
    """A key as the directory keeps it; ``expires_at`` is a time of the directory's clock."""

    key: key_format.ApiKey
    principal: Principal
    expires_at: float | None = None
    usage_limit: int | None = None
    usage_count: int = 0
    revoked: bool = False


@dataclass
class MemoryDirectory(KeyDirectory):
    """Keys in memory; while ``open`` is cleared, look-ups wait after they were sent."""

    clock: Clock
    keys: dict[bytes, StoredKey] = field(default_factory=dict)
    lookups: list[bytes] = field(default_factory=list)
    touched: list[tuple[bytes, ...]] = field(default_factory=list)
    failure: Exception | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def add(
        self,
        *,
        permissions: frozenset[str] = frozenset({"automation:read"}),
        expires_at: float | None = None,
        usage_limit: int | None = None,
    ) -> StoredKey:
        key = key_format.generate()
        principal = Principal(uuid4(), uuid4(), permissions, key.prefix)
        self.keys[key.digest] = StoredKey(key, principal, expires_at, usage_limit)
        return self.keys[key.digest]

    async def resolve(self, digest: bytes, tenant: UUID | None, *, count: bool) -> KeyRecord:
        self.lookups.append(digest)
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        stored = self.keys.get(digest)
        if stored is None or stored.revoked:
            raise ApiKeyInvalid
        if stored.expires_at is not None and stored.expires_at <= self.clock():
            raise ApiKeyExpired
        if tenant is not None and tenant != stored.principal.tenant:
            raise ApiKeyTenantMismatch
        if stored.usage_limit is not None and stored.usage_count >= stored.usage_limit:
            raise ApiKeyOverLimit
        stored.usage_count += count and stored.usage_limit is not None
        expires_in = None if stored.expires_at is None else stored.expires_at - self.clock()
        return KeyRecord(stored.principal, stored.usage_limit is not None, expires_in)

    async def touch(self, digests: Collection[bytes]) -> None:
        if self.failure is not None:
            raise self.failure
        self.touched.append(tuple(digests))
