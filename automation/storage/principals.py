"""Describes principals to themselves: their tenant, their user, what that may do, and what is left of their key."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from automation.domain.errors import ApiKeyUserNotFound
from automation.domain.principal import Principal
from automation.storage.pool.database import Database

# Whom a key stands for, as it is now.
_DESCRIBE = b"""
SELECT tenant_name, email, roles, permissions, key_name, expires_at, usage_limit, usage_count
FROM describe_principal_v1(p_tenant => %(tenant)s, p_prefix => %(prefix)s)
"""


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


class Principals:
    """The principals of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
