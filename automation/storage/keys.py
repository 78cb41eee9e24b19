"""Finds what an API key stands for, before the tenant is known, and counts the uses of keys with a limit."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from automation.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyOverLimit,
    ApiKeyTenantMismatch,
    ApiKeyUserNotFound,
    Unauthenticated,
)
from automation.domain.principal import Principal
from automation.storage.pool.batches import Batches
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import uuid_array

# What one key stands for; its use is counted where it has a limit.
_COUNT = b"""
SELECT outcome, tenant, user_id, prefix, permissions, limited, expires_in, tenant_requests, key_requests
FROM resolve_api_key_v1(p_digest => %(digest)s, p_tenant => %(tenant)s::uuid, p_count => true)
"""
# What several keys stand for; nothing is counted.
_LOOK_UP = b"""
SELECT asked.place, found.outcome, found.tenant, found.user_id, found.prefix, found.permissions, found.limited,
    found.expires_in, found.tenant_requests, found.key_requests
FROM unnest(%(digests)s::bytea[], %(tenants)s::uuid[]) WITH ORDINALITY AS asked(digest, tenant, place),
    LATERAL resolve_api_key_v1(p_digest => asked.digest, p_tenant => asked.tenant, p_count => false) AS found
"""
# Keys that were used just now.
_TOUCH = b"SELECT touch_api_keys_v1(p_digests => %(digests)s::bytea[])"

_ACCEPTED = "accepted"
_REFUSALS: Mapping[str, type[Unauthenticated]] = MappingProxyType(
    {
        "invalid": ApiKeyInvalid,
        "expired": ApiKeyExpired,
        "user_not_found": ApiKeyUserNotFound,
        "tenant_mismatch": ApiKeyTenantMismatch,
        "over_limit": ApiKeyOverLimit,
    }
)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An accepted key: ``expires_in`` is in seconds by the database's clock, None for a key that does not expire.

    ``tenant_requests`` and ``key_requests`` are the tenant's own and the key's limit on requests a minute, where they
    have one.
    """

    principal: Principal
    limited: bool
    expires_in: float | None
    tenant_requests: int | None = None
    key_requests: int | None = None


class _Resolved(NamedTuple):
    """What a key stands for, accepted or not, and its place among those that were asked for."""

    outcome: str
    tenant: UUID
    user_id: UUID
    prefix: str
    permissions: list[str]
    limited: bool
    expires_in: float | None
    tenant_requests: int | None
    key_requests: int | None
    place: int = 1


class KeyDirectory:
    """The API keys of all tenants, by the SHA-256 of the key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # One and the same set for all who may do the same: a hundred thousand of them may be remembered.
        self._permissions: Callable[[tuple[str, ...]], frozenset[str]] = lru_cache(maxsize=1000)(frozenset)
        self._look_ups: Batches[tuple[bytes, UUID | None], _Resolved] = Batches(self._look_up, self._look_up_alone)

    async def resolve(self, digest: bytes, tenant: UUID | None, *, count: bool) -> KeyRecord:
        """Return what a key stands for, in one round trip; look-ups that count nothing share it.

        Args:
            digest: The key's SHA-256.
            tenant: The tenant that the request names, None where it names none.
            count: Whether this is a use, to be counted where the key has a limit. Exact across processes; a key
                without a limit is never written to.

        Raises:
            ApiKeyInvalid: unknown, revoked or inactive. The errors are checked in this order.
            ApiKeyExpired: past its time.
            ApiKeyUserNotFound: its user is gone or inactive.
            ApiKeyTenantMismatch: it is another tenant's.
            ApiKeyOverLimit: it was used as often as it may be.
            Unavailable: where the database cannot be reached.
        """
        if count:
            found = await self._count(digest, tenant)
        else:
            found = await self._look_ups.read((digest, tenant))
        if found is None:
            raise ApiKeyInvalid
        if found.outcome != _ACCEPTED:
            raise _REFUSALS[found.outcome]
        principal = Principal(
            tenant=found.tenant,
            user=found.user_id,
            permissions=self._permissions(tuple(found.permissions)),
            key_prefix=found.prefix,
        )
        return KeyRecord(principal, found.limited, found.expires_in, found.tenant_requests, found.key_requests)

    async def _count(self, digest: bytes, tenant: UUID | None) -> _Resolved | None:
        parameters = {"digest": digest, "tenant": tenant}
        return await self._database.fetch_one(_COUNT, parameters, class_row(_Resolved), repeatable=False)

    async def _look_up_alone(self, asked: tuple[bytes, UUID | None], since: float) -> _Resolved | None:
        return (await self._look_up([asked], since))[0]

    async def _look_up(
        self, asked: Sequence[tuple[bytes, UUID | None]], since: float | None = None
    ) -> Sequence[_Resolved | None]:
        digests, tenants = zip(*asked, strict=True)
        parameters = {"digests": list(digests), "tenants": uuid_array(tenants)}
        rows = await self._database.fetch_rows(_LOOK_UP, parameters, rows=class_row(_Resolved), since=since)
        found = {row.place: row for row in rows}
        return [found.get(place) for place in range(1, len(asked) + 1)]

    async def touch(self, digests: Collection[bytes]) -> None:
        """Record that keys were used just now; one that was recorded within the last minute is left as it is.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        await self._database.fetch_one(_TOUCH, {"digests": list(digests)}, scalar_row)
