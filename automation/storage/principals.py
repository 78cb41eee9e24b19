"""Describes principals to themselves: their tenant, their user, what that may do, and what is left of their key."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from automation.domain.errors import ApiKeyUserNotFound
from automation.domain.limits import DEFAULTS, LimitInUse, Limits, limits_in_use
from automation.domain.principal import Principal
from automation.storage.pool.database import Database

# Whom a key stands for, as it is now.
_DESCRIBE = b"""
SELECT tenant_name, email, roles, permissions, key_name, expires_at, usage_limit, usage_count, requests_per_minute
FROM describe_principal_v1(p_tenant => %(tenant)s, p_prefix => %(prefix)s)
"""
# What a tenant uses, and its own limits.
_LIMITS = b"SELECT name, used, own FROM tenant_usage_v1(p_tenant => %(tenant)s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalDescription:
    """What there is to know of a principal beyond its identifiers; ``expires_at`` has a time zone.

    ``usage_limit`` is None where the key has none; ``usage_count`` counts the uses of a key that has one.
    """

    tenant_name: str
    email: str
    roles: list[str]
    permissions: list[str]
    key_name: str | None
    expires_at: datetime | None
    usage_limit: int | None
    usage_count: int
    requests_per_minute: int | None


class Principals:
    """The principals of all tenants.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own.
    """

    def __init__(self, database: Database, limits: Limits = DEFAULTS) -> None:
        self._database = database
        self._limits = limits

    async def limits(self, principal: Principal) -> list[LimitInUse]:
        """Return what a principal's tenant may use, and what it does use, in one round trip.

        Raises:
            Unavailable: where the database cannot be reached.
        """
        found = await self._database.fetch_rows(_LIMITS, {"tenant": principal.tenant})
        return limits_in_use([(name, used, own) for name, used, own in found], self._limits)

    async def describe(self, principal: Principal) -> PrincipalDescription:
        """Return what there is to know of a principal, in one round trip.

        Raises:
            ApiKeyUserNotFound: where its key or its user was deleted since it was accepted.
            Unavailable: where the database cannot be reached.
        """
        named = {"tenant": principal.tenant, "prefix": principal.key_prefix}
        described = await self._database.fetch_one(_DESCRIBE, named, class_row(PrincipalDescription))
        if described is None:
            raise ApiKeyUserNotFound
        return described
