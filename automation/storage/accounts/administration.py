"""Administers tenants, users and keys, and the rules of a demonstration.

It connects as the owner of the tables, whom row-level security binds as well: each transaction is one tenant's.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, func, insert, literal, select, update

from automation.domain.audit import AuditResource
from automation.domain.identifiers import parse_uuid
from automation.domain.limits import Limit, LimitInUse, Limits, limits_in_use
from automation.domain.permissions import ROLE_PERMISSIONS, Role
from automation.domain.rules import Rule
from automation.storage import records
from automation.storage.account_tables import (
    api_keys,
    role_permissions,
    roles,
    tenant_limits,
    tenants,
    user_roles,
    users,
)
from automation.storage.accounts import accounts, engine
from automation.storage.accounts.accounts import Key, Reference, Tenant, User
from automation.storage.accounts.operator_trail import Command, record
from automation.storage.accounts.refusals import Unacceptable, explained
from automation.storage.tables import automation_executions


class Administration:
    """Commands for a person, each in a transaction of its own.

    Every method raises an :class:`AdministrationError` for what cannot be done, and ``Unavailable`` where the database
    cannot be reached.

    Args:
        url: The owner's; anything that libpq takes.
    """

    def __init__(self, url: str) -> None:
        self._engine = engine.create(url, "automation administration")

    def create_tenant(self, name: str, *, tenant: UUID | None = None) -> Tenant:
        """Create a tenant with the roles that every tenant starts with; ``tenant`` is its id, by default a new one."""
        if parse_uuid(name):
            raise Unacceptable("A tenant's name cannot look like an id.")
        identifier = tenant or uuid4()
        with self._transaction() as connection:
            connection.execute(insert(tenants).values(tenant=identifier, name=name))
            _scope(connection, identifier)
            connection.execute(insert(roles), [{"tenant": identifier, "role": role} for role in Role])
            granted = [
                {"tenant": identifier, "role": role, "permission": permission}
                for role, permissions in ROLE_PERMISSIONS.items()
                for permission in permissions
            ]
            connection.execute(insert(role_permissions), granted)
            record(connection, identifier, Command("createTenant", AuditResource.TENANT, details={"name": name}))
            return accounts.tenant(connection, identifier)

    def find_tenant(self, tenant: Reference) -> Tenant:
        """Return a tenant."""
        with self._transaction() as connection:
            return accounts.tenant(connection, tenant)

    def list_tenants(self) -> list[Tenant]:
        """Return all tenants by name."""
        with self._transaction() as connection:
            return [Tenant(**row) for row in connection.execute(select(tenants).order_by(tenants.c.name)).mappings()]

    def create_user(self, tenant: Reference, email: str, role: Role, *, user: UUID | None = None) -> User:
        """Create an active user with one role; ``user`` is its id, by default a new one."""
        address = email.strip().lower()
        if "@" not in address.strip("@") or any(character.isspace() for character in address):
            raise Unacceptable("An e-mail address has the form name@domain.")
        identifier = user or uuid4()
        with self._change(tenant, "createUser", AuditResource.USER) as (connection, owned_by, command):
            command.about(identifier, {"role": role})
            connection.execute(insert(users).values(tenant=owned_by, user_id=identifier, email=address))
            connection.execute(insert(user_roles).values(tenant=owned_by, user_id=identifier, role=role))
            return accounts.user(connection, owned_by, identifier)

    def find_user(self, tenant: Reference, user: Reference) -> User:
        """Return a user."""
        with self._tenant_transaction(tenant) as (connection, owned_by):
            return accounts.user(connection, owned_by, user)

    def list_users(self, tenant: Reference) -> list[User]:
        """Return a tenant's users by e-mail address."""
        with self._tenant_transaction(tenant) as (connection, owned_by):
            found = connection.execute(accounts.users_of(owned_by).order_by(users.c.email))
            return [User(**row) for row in found.mappings()]

    def deactivate_user(self, tenant: Reference, user: Reference) -> User:
        """Make a user inactive, so that none of its keys is accepted any more."""
        with self._change(tenant, "deactivateUser", AuditResource.USER) as (connection, owned_by, command):
            identifier = accounts.user(connection, owned_by, user).user
            command.about(identifier)
            belongs = (users.c.tenant == owned_by) & (users.c.user_id == identifier)
            connection.execute(update(users).where(belongs).values(active=False))
            return accounts.user(connection, owned_by, identifier)

    def delete_user(self, tenant: Reference, user: Reference) -> None:
        """Delete a user. Its keys stay, and are refused because their user is gone."""
        with self._change(tenant, "deleteUser", AuditResource.USER) as (connection, owned_by, command):
            identifier = accounts.user(connection, owned_by, user).user
            command.about(identifier)
            connection.execute(users.delete().where(users.c.tenant == owned_by, users.c.user_id == identifier))

    def create_key(
        self,
        tenant: Reference,
        user: Reference,
        *,
        digest: bytes,
        prefix: str,
        name: str | None = None,
        expires_at: datetime | None = None,
        usage_limit: int | None = None,
        requests_per_minute: int | None = None,
    ) -> Key:
        """Record a key by its SHA-256. The key itself is never seen here."""
        if expires_at is not None and expires_at.tzinfo is None:
            raise Unacceptable("The time that a key expires at needs a time zone.")
        with self._change(tenant, "createKey", AuditResource.KEY) as (connection, owned_by, command):
            identifier = accounts.user(connection, owned_by, user).user
            limits = {"expires_at": expires_at and expires_at.isoformat(), "usage_limit": usage_limit}
            command.about(prefix, {"user_id": str(identifier), "name": name, **limits})
            statement = insert(api_keys).values(
                digest=digest,
                tenant=owned_by,
                user_id=identifier,
                prefix=prefix,
                name=name,
                expires_at=expires_at,
                usage_limit=usage_limit,
                requests_per_minute=requests_per_minute,
            )
            connection.execute(statement)
            return accounts.key(connection, owned_by, prefix)

    def list_keys(self, tenant: Reference) -> list[Key]:
        """Return a tenant's keys, the oldest first."""
        with self._tenant_transaction(tenant) as (connection, owned_by):
            by_age = accounts.keys_of(owned_by).order_by(api_keys.c.created_at, api_keys.c.prefix)
            return [Key(**row) for row in connection.execute(by_age).mappings()]

    def revoke_key(self, tenant: Reference, prefix: str) -> Key:
        """Revoke a key for good; one that was revoked before keeps its time."""
        with self._change(tenant, "revokeKey", AuditResource.KEY) as (connection, owned_by, command):
            command.about(prefix)
            belongs = (api_keys.c.tenant == owned_by) & (api_keys.c.prefix == prefix)
            revoked_at = func.coalesce(api_keys.c.revoked_at, func.now())
            connection.execute(update(api_keys).where(belongs).values(active=False, revoked_at=revoked_at))
            return accounts.key(connection, owned_by, prefix)

    def limits(self, tenant: Reference) -> Limits:
        """Return the limits that a tenant has of its own."""
        with self._tenant_transaction(tenant) as (connection, owned_by):
            return accounts.limits(connection, owned_by)

    def limits_in_use(self, tenant: Reference, defaults: Limits) -> list[LimitInUse]:
        """Return every limit of a tenant, with what is used of it; ``defaults`` are those that are not its own."""
        with self._tenant_transaction(tenant) as (connection, owned_by):
            return limits_in_use(accounts.limits_in_use(connection, owned_by), defaults)

    def set_limits(self, tenant: Reference, values: Mapping[Limit, int | None]) -> Limits:
        """Give a tenant limits of its own, or take them away where the value is None; return those that it has then.

        What its limit of running executions held back is looked at again within seconds.
        """
        with self._change(tenant, "setTenantLimits", AuditResource.TENANT) as (connection, owned_by, command):
            command.details.update(
                {str(limit): "default" if value is None else value for limit, value in values.items()}
            )
            for limit, value in values.items():
                named = {"tenant": owned_by, "name": str(limit)}
                connection.execute(delete(tenant_limits).filter_by(**named))
                if value is not None:
                    connection.execute(insert(tenant_limits).values(**named, value=value))
            if Limit.MAX_RUNNING in values:
                _wake_held_back(connection, owned_by)
            return accounts.limits(connection, owned_by)

    def add_rule(self, rule: Rule) -> None:
        """Store a rule as it is; one whose id the tenant has already is left alone."""
        with self._tenant_transaction(rule.tenant) as (connection, tenant):
            if records.insert_rule(connection, rule):
                record(connection, tenant, Command("addRule", AuditResource.RULE, str(rule.rule_id)))

    def unfinished_executions(self, tenant: UUID, rule: UUID) -> list[UUID]:
        """Return the pending and running executions of a rule, oldest first."""
        table = automation_executions
        with self._tenant_transaction(tenant) as (connection, owned_by):
            found = connection.scalars(
                select(table.c.execution_id)
                .where(table.c.tenant == owned_by, table.c.automation_rule_id == rule)
                .where(table.c.status.in_(["pending", "running"]))
                .order_by(table.c.created_at, table.c.execution_id)
            )
            return list(found)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with explained(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _tenant_transaction(self, reference: Reference) -> Iterator[tuple[Connection, UUID]]:
        with self._transaction() as connection:
            tenant = accounts.tenant(connection, reference).tenant
            _scope(connection, tenant)
            yield connection, tenant

    @contextmanager
    def _change(
        self, reference: Reference, action: str, kind: AuditResource
    ) -> Iterator[tuple[Connection, UUID, Command]]:
        """Give a transaction in which a command changes something, which leaves a line in the tenant's audit log."""
        command = Command(action, kind)
        with self._tenant_transaction(reference) as (connection, tenant):
            yield connection, tenant, command
            record(connection, tenant, command)


def _scope(connection: Connection, tenant: UUID) -> None:
    connection.execute(select(func.set_config("app.tenant", str(tenant), literal(True))))


def _wake_held_back(connection: Connection, tenant: UUID) -> None:
    """Have the sweep look at what was held back; what somebody has locked is being looked at."""
    runs = automation_executions.c
    held = (
        select(runs.execution_id)
        .where(runs.tenant == tenant, runs.held_back)
        .with_for_update(key_share=True, skip_locked=True)
    )
    connection.execute(
        update(automation_executions)
        .where(runs.tenant == tenant, runs.execution_id.in_(held))
        .values(due_at=func.now())
    )
