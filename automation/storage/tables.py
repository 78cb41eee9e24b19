"""The tables as SQLAlchemy describes them: what statements are built from, equal by test to what migrations make.

What SQLAlchemy cannot describe (row-level security, roles, grants, functions) stands in the migrations alone.

Tenant-owned tables have ``tenant`` first in their primary key. ``tenants`` and ``api_keys`` are global directories:
they answer what must be known before the tenant is, and only functions reach them on behalf of the API.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from automation.domain.executions import ExecutionStatus, LogLevel
from automation.domain.rules import RuleStatus, TriggerType

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _check(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(condition, name=name)


def _identifier(name: str) -> Column[object]:
    return Column(name, Uuid(), primary_key=True)


def _time(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _created_at() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _count(name: str) -> Column[object]:
    return Column(name, Integer(), nullable=False, server_default=text("0"))


tenants = Table(
    "tenants",
    metadata,
    _identifier("tenant"),
    Column("name", Text(), nullable=False),
    _created_at(),
    UniqueConstraint("name"),
    _check("name", "length(name) BETWEEN 1 AND 200"),
)

users = Table(
    "users",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    _identifier("user_id"),
    Column("email", Text(), nullable=False),
    Column("active", Boolean(), nullable=False, server_default=text("true")),
    _created_at(),
    UniqueConstraint("tenant", "email"),
    _check("email", "length(email) BETWEEN 3 AND 320"),
)

roles = Table(
    "roles",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("role", Text(), primary_key=True),
    _check("role", "length(role) BETWEEN 1 AND 100"),
)

role_permissions = Table(
    "role_permissions",
    metadata,
    _identifier("tenant"),
    Column("role", Text(), primary_key=True),
    Column("permission", Text(), primary_key=True),
    ForeignKeyConstraint(["tenant", "role"], ["roles.tenant", "roles.role"], ondelete="CASCADE"),
    _check("permission", "permission ~ '^[a-z_]+:[a-z_]+$'"),
)

user_roles = Table(
    "user_roles",
    metadata,
    _identifier("tenant"),
    _identifier("user_id"),
    Column("role", Text(), primary_key=True),
    ForeignKeyConstraint(["tenant", "user_id"], ["users.tenant", "users.user_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["tenant", "role"], ["roles.tenant", "roles.role"], ondelete="CASCADE"),
)

# No foreign key to users: the key of a deleted user stays, and is refused as such.
api_keys = Table(
    "api_keys",
    metadata,
    Column("digest", LargeBinary(), primary_key=True),
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), nullable=False),
    Column("user_id", Uuid(), nullable=False),
    Column("prefix", Text(), nullable=False),
    Column("active", Boolean(), nullable=False, server_default=text("true")),
    _time("expires_at"),
    Column("usage_limit", BigInteger()),
    Column("usage_count", BigInteger(), nullable=False, server_default=text("0")),
    _time("last_used_at"),
    _created_at(),
    _time("revoked_at"),
    UniqueConstraint("prefix"),
    _check("digest", "octet_length(digest) = 32"),
    _check("usage_limit", "usage_limit >= 0"),
    _check("usage_count", "usage_count >= 0 AND usage_count <= usage_limit"),
)

automation_rules = Table(
    "automation_rules",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    _identifier("rule_id"),
    Column("name", Text(), nullable=False),
    Column("description", Text()),
    Column("status", Text(), nullable=False),
    Column("trigger_type", Text(), nullable=False),
    _created_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    _check("name", "length(name) BETWEEN 1 AND 200"),
    _check("description", "length(description) <= 2000"),
    _one_of("status", RuleStatus),
    _one_of("trigger_type", TriggerType),
    _check("times", "isfinite(created_at) AND isfinite(updated_at)"),
)

automation_executions = Table(
    "automation_executions",
    metadata,
    _identifier("tenant"),
    _identifier("execution_id"),
    Column("automation_rule_id", Uuid(), nullable=False),
    Column("status", Text(), nullable=False),
    _created_at(),
    Column("trigger_data", JSONB(none_as_null=True)),
    _time("started_at"),
    _time("completed_at"),
    Column("duration_ms", Double()),
    _count("actions_total"),
    _count("actions_successful"),
    _count("actions_failed"),
    Column("error_message", Text()),
    Column("error_stack", Text()),
    Column("failed_action_index", Integer()),
    Column("execution_context", JSONB(none_as_null=True)),
    ForeignKeyConstraint(["tenant", "automation_rule_id"], ["automation_rules.tenant", "automation_rules.rule_id"]),
    _one_of("status", ExecutionStatus),
    _check("trigger_data", "jsonb_typeof(trigger_data) = 'object'"),
    _check("execution_context", "jsonb_typeof(execution_context) = 'object'"),
    _check("times", "isfinite(created_at) AND isfinite(started_at) AND isfinite(completed_at)"),
    # NaN sorts above Infinity, so one bound keeps both out.
    _check("duration_ms", "duration_ms >= 0 AND duration_ms < 'Infinity'::double precision"),
    _check("actions", "actions_total >= 0 AND actions_successful >= 0 AND actions_failed >= 0"),
)

automation_execution_logs = Table(
    "automation_execution_logs",
    metadata,
    _identifier("tenant"),
    _identifier("execution_id"),
    Column("sequence", Integer(), primary_key=True, autoincrement=False),
    Column("timestamp", DateTime(timezone=True), nullable=False),
    Column("level", Text(), nullable=False),
    Column("message", Text(), nullable=False),
    Column("action_index", Integer()),
    Column("metadata", JSONB(none_as_null=True)),
    ForeignKeyConstraint(
        ["tenant", "execution_id"],
        ["automation_executions.tenant", "automation_executions.execution_id"],
        ondelete="CASCADE",
    ),
    _one_of("level", LogLevel),
    _check("timestamp", "isfinite(timestamp)"),
    _check("metadata", "jsonb_typeof(metadata) = 'object'"),
)
