"""Tenants, users and keys as an administrator sees them, and how they are found by what people call them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from automation.domain.identifiers import parse_uuid
from automation.domain.limits import Limits, limit_named
from automation.storage.account_tables import api_keys, tenant_limits, tenants, user_roles, users
from automation.storage.accounts.refusals import Unknown

Reference = UUID | str
"""A tenant by its id or its name, a user by its id or its e-mail address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A customer, whose data no other sees."""

    tenant: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Someone who acts for one tenant; ``email`` is in lower case."""

    tenant: UUID
    user: UUID
    email: str
    active: bool
    roles: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key without its secret; ``prefix`` is how people name it, ``email`` None where its user was deleted."""

    tenant: UUID
    user: UUID
    email: str | None
    prefix: str
    name: str | None
    active: bool
    expires_at: datetime | None
    usage_limit: int | None
    usage_count: int
    requests_per_minute: int | None
    last_used_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None


def tenant(connection: Connection, reference: Reference) -> Tenant:
    """Return one tenant.

    Raises:
        Unknown: where there is none.
    """
    identifier = _as_uuid(reference)
    condition = tenants.c.name == reference if identifier is None else tenants.c.tenant == identifier
    return Tenant(**_one(connection, select(tenants).where(condition), f"There is no tenant {reference}."))


def user(connection: Connection, owned_by: UUID, reference: Reference) -> User:
    """Return one user of a tenant, to whom the transaction is scoped.

    Raises:
        Unknown: where there is none.
    """
    identifier = _as_uuid(reference)
    email = str(reference).strip().lower()
    condition = users.c.email == email if identifier is None else users.c.user_id == identifier
    return User(**_one(connection, users_of(owned_by).where(condition), f"The tenant has no user {reference}."))


def key(connection: Connection, owned_by: UUID, prefix: str) -> Key:
    """Return one key of a tenant.

    Raises:
        Unknown: where there is none.
    """
    statement = keys_of(owned_by).where(api_keys.c.prefix == prefix)
    return Key(**_one(connection, statement, f"The tenant has no key {prefix}."))


def limits(connection: Connection, owned_by: UUID) -> Limits:
    """Return the limits that a tenant has of its own."""
    found = connection.execute(select(tenant_limits.c.name, tenant_limits.c.value).filter_by(tenant=owned_by))
    return {limit_named(name): value for name, value in found}


def limits_in_use(connection: Connection, owned_by: UUID) -> list[tuple[str, int | None, int | None]]:
    """Return what a tenant uses of its limits, and its own values of them, by their names."""
    found = func.tenant_usage_v1(owned_by).table_valued("name", "used", "own")
    return [(name, used, own) for name, used, own in connection.execute(select(found))]


def users_of(owned_by: UUID) -> Select[*tuple[Any, ...]]:
    """Return the statement that reads a tenant's users."""
    held = select(user_roles.c.role).where(
        user_roles.c.tenant == users.c.tenant, user_roles.c.user_id == users.c.user_id
    )
    return select(
        users.c.tenant,
        users.c.user_id.label("user"),
        users.c.email,
        users.c.active,
        func.array(held.order_by(user_roles.c.role).scalar_subquery(), type_=ARRAY(Text(), as_tuple=True)).label(
            "roles"
        ),
        users.c.created_at,
    ).where(users.c.tenant == owned_by)


def keys_of(owned_by: UUID) -> Select[*tuple[Any, ...]]:
    """Return the statement that reads a tenant's keys."""
    belongs = (users.c.tenant == api_keys.c.tenant) & (users.c.user_id == api_keys.c.user_id)
    described = [column for column in api_keys.c if column.name not in {"digest", "user_id"}]
    return (
        select(api_keys.c.user_id.label("user"), users.c.email, *described)
        .select_from(api_keys.outerjoin(users, belongs))
        .where(api_keys.c.tenant == owned_by)
    )


def _as_uuid(reference: Reference) -> UUID | None:
    return reference if isinstance(reference, UUID) else parse_uuid(reference)


def _one(connection: Connection, statement: Select[*tuple[Any, ...]], otherwise: str) -> Mapping[str, Any]:
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise Unknown(otherwise)
    return {str(name): value for name, value in row.items()}
