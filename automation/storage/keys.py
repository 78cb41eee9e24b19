"""Finds what an API key stands for, before the tenant is known, and counts the uses of keys with a limit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from automation.domain.errors import (
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyOverLimit,
    ApiKeyTenantMismatch,
    ApiKeyUserNotFound,
    Unauthenticated,
)
from automation.domain.principal import Principal
from automation.storage.pool.batches import Batches, placed
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import uuid_array

_COUNT = b"""
SELECT outcome, tenant, user_id, prefix, permissions, limited, expires_in
FROM resolve_api_key_v1(%s, %s::uuid, true)
"""
_LOOK_UP = b"""
SELECT asked.place, found.outcome, found.tenant, found.user_id, found.prefix, found.permissions, found.limited,
    found.expires_in
FROM unnest(%s::bytea[], %s::uuid[]) WITH ORDINALITY AS asked(digest, tenant, place),
    LATERAL resolve_api_key_v1(asked.digest, asked.tenant, false) AS found
"""
_TOUCH = b"SELECT touch_api_keys_v1(%s::bytea[])"

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
    """An accepted key: ``expires_in`` is in seconds by the database's clock, None for a key that does not expire."""

    principal: Principal
    limited: bool
    expires_in: float | None


class KeyDirectory:
    """The API keys of all tenants, by the SHA-256 of the key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._look_ups: Batches[tuple[bytes, UUID | None], Sequence[Any]] = Batches(self._look_up)

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
        row: Sequence[Any] | None
        if count:
            row = await self._database.fetch_row(_COUNT, (digest, tenant), repeatable=False)
        else:
            row = await self._look_ups.read((digest, tenant))
        if row is None:
            raise ApiKeyInvalid
        outcome, key_tenant, user, prefix, permissions, limited, expires_in = row
        if outcome != _ACCEPTED:
            raise _REFUSALS[outcome]
        principal = Principal(tenant=key_tenant, user=user, permissions=frozenset(permissions), key_prefix=prefix)
        return KeyRecord(principal, limited, expires_in)

    async def _look_up(self, asked: Sequence[tuple[bytes, UUID | None]]) -> Sequence[Sequence[Any] | None]:
        digests, tenants = zip(*asked, strict=True)
        rows = await self._database.fetch_rows(_LOOK_UP, (list(digests), uuid_array(tenants)))
        return placed(rows, len(asked))

    async def touch(self, digests: Collection[bytes]) -> None:
        """Record that keys were used just now; one that was recorded within the last minute is left as it is.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        await self._database.fetch_row(_TOUCH, (list(digests),))
