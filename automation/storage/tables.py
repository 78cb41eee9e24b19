"""The tables as SQLAlchemy describes them: what statements are built from, equal by test to what migrations make.

What SQLAlchemy cannot describe (row-level security, roles, grants, functions) stands in the migrations alone.

Tenant-owned tables have ``tenant`` first in their primary key. ``tenants`` and ``api_keys`` are global directories:
they answer what must be known before the tenant is, and only functions reach them on behalf of the API.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

from automation.domain.executions import FINISHED, ExecutionStatus, LogLevel
from automation.domain.rules import ConcurrencyPolicy, ConditionLogic, RuleStatus, TriggerType
from automation.storage.schema import check, count, created_at, identifier, metadata, one_of, time

tenants = Table(
    "tenants",
    metadata,
    identifier("tenant"),
    Column("name", Text(), nullable=False),
    created_at(),
    UniqueConstraint("name"),
    check("name", "length(name) BETWEEN 1 AND 200"),
)

users = Table(
    "users",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    identifier("user_id"),
    Column("email", Text(), nullable=False),
    Column("active", Boolean(), nullable=False, server_default=text("true")),
    created_at(),
    UniqueConstraint("tenant", "email"),
    check("email", "length(email) BETWEEN 3 AND 320"),
)

roles = Table(
    "roles",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("role", Text(), primary_key=True),
    check("role", "length(role) BETWEEN 1 AND 100"),
)

role_permissions = Table(
    "role_permissions",
    metadata,
    identifier("tenant"),
    Column("role", Text(), primary_key=True),
    Column("permission", Text(), primary_key=True),
    ForeignKeyConstraint(["tenant", "role"], ["roles.tenant", "roles.role"], ondelete="CASCADE"),
    check("permission", "permission ~ '^[a-z_]+:[a-z_]+$'"),
)

user_roles = Table(
    "user_roles",
    metadata,
    identifier("tenant"),
    identifier("user_id"),
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
    Column("name", Text()),
    Column("active", Boolean(), nullable=False, server_default=text("true")),
    time("expires_at"),
    Column("usage_limit", BigInteger()),
    Column("usage_count", BigInteger(), nullable=False, server_default=text("0")),
    time("last_used_at"),
    created_at(),
    time("revoked_at"),
    UniqueConstraint("prefix"),
    check("name", "length(name) BETWEEN 1 AND 200"),
    check("digest", "octet_length(digest) = 32"),
    check("usage_limit", "usage_limit >= 0"),
    check("usage_count", "usage_count >= 0 AND usage_count <= usage_limit"),
)
Table("write_probes", metadata, Column("filling", Text(), nullable=False))  # nobody's, and empty
automation_rules = Table(
    "automation_rules",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    identifier("rule_id"),
    Column("name", Text(), nullable=False),
    Column("description", Text()),
    Column("status", Text(), nullable=False),
    Column("trigger_type", Text(), nullable=False),
    created_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("version", Integer(), nullable=False),
    Column("trigger_config", JSON(), nullable=False),
    Column("conditions", JSON(), nullable=False),
    Column("condition_logic", Text(), nullable=False),
    Column("actions", JSON(), nullable=False),
    Column("execution_timeout_seconds", Integer(), nullable=False),
    Column("max_concurrent_executions", Integer()),
    Column("concurrency_policy", Text(), nullable=False),
    Column("created_by", Uuid(), nullable=False),
    Column("status_reason", Text()),
    time("deleted_at"),
    check("name", "length(name) BETWEEN 1 AND 200"),
    check("description", "length(description) <= 2000"),
    one_of("status", RuleStatus),
    one_of("trigger_type", TriggerType),
    check("times", "isfinite(created_at) AND isfinite(updated_at)"),
    check("version", "version >= 1"),
    check("trigger_config", "json_typeof(trigger_config) = 'object'"),
    check("conditions", "json_typeof(conditions) = 'array'"),
    one_of("condition_logic", ConditionLogic),
    check("actions", "json_typeof(actions) = 'array'"),
    check("execution_timeout_seconds", "execution_timeout_seconds >= 1"),
    check("max_concurrent_executions", "max_concurrent_executions >= 1"),
    one_of("concurrency_policy", ConcurrencyPolicy),
    check("deleted_at", "isfinite(deleted_at)"),
    Index("automation_rules_created_idx", "tenant", "created_at", "rule_id"),
)

# Checked where it comes from, automation_rules; nothing changes it afterwards.
automation_rule_versions = Table(
    "automation_rule_versions",
    metadata,
    identifier("tenant"),
    identifier("rule_id"),
    Column("version", Integer(), primary_key=True, autoincrement=False),
    Column("name", Text(), nullable=False),
    Column("description", Text()),
    Column("status", Text(), nullable=False),
    Column("trigger_type", Text(), nullable=False),
    Column("trigger_config", JSON(), nullable=False),
    Column("conditions", JSON(), nullable=False),
    Column("condition_logic", Text(), nullable=False),
    Column("actions", JSON(), nullable=False),
    Column("execution_timeout_seconds", Integer(), nullable=False),
    Column("max_concurrent_executions", Integer()),
    Column("concurrency_policy", Text(), nullable=False),
    Column("created_by", Uuid(), nullable=False),
    created_at(),
    ForeignKeyConstraint(
        ["tenant", "rule_id"], ["automation_rules.tenant", "automation_rules.rule_id"], ondelete="CASCADE"
    ),
    check("version", "version >= 1"),
)

automation_executions = Table(
    "automation_executions",
    metadata,
    identifier("tenant"),
    identifier("execution_id"),
    Column("automation_rule_id", Uuid(), nullable=False),
    Column("status", Text(), nullable=False),
    created_at(),
    Column("trigger_data", JSON(none_as_null=True)),
    time("started_at"),
    time("completed_at"),
    Column("duration_ms", Double()),
    count("actions_total"),
    count("actions_successful"),
    count("actions_failed"),
    Column("error_message", Text()),
    Column("error_stack", Text()),
    Column("failed_action_index", Integer()),
    Column("execution_context", JSON(none_as_null=True)),
    Column("rule_version", Integer(), nullable=False, server_default=text("1")),
    Column("attempt", Integer(), nullable=False, server_default=text("1")),
    Column("created_by", Uuid()),
    Column("override_conditions", Boolean(), nullable=False, server_default=text("false")),
    Column("retry_from", Text()),
    Column("results", JSON(none_as_null=True)),
    count("results_bytes"),
    count("next_action"),
    count("tries"),
    Column("call_key", Uuid()),
    Column("queued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    time("due_at"),
    Column("fence", BigInteger(), nullable=False, server_default=text("0")),
    time("lease_until"),
    time("resume_at"),
    time("deadline_at"),
    time("cancel_requested_at"),
    Column("cancel_reason", Text()),
    count("log_entries"),
    count("log_bytes"),
    Column("logs_cut", Boolean(), nullable=False, server_default=text("false")),
    ForeignKeyConstraint(["tenant", "automation_rule_id"], ["automation_rules.tenant", "automation_rules.rule_id"]),
    ForeignKeyConstraint(
        ["tenant", "automation_rule_id", "rule_version"],
        [
            "automation_rule_versions.tenant",
            "automation_rule_versions.rule_id",
            "automation_rule_versions.version",
        ],
        name="automation_executions_rule_version_fkey",
    ),
    one_of("status", ExecutionStatus),
    check("trigger_data", "json_typeof(trigger_data) = 'object'"),
    check("execution_context", "json_typeof(execution_context) = 'object'"),
    check("times", "isfinite(created_at) AND isfinite(started_at) AND isfinite(completed_at)"),
    # NaN sorts above Infinity, so one bound keeps both out.
    check("duration_ms", "duration_ms >= 0 AND duration_ms < 'Infinity'::double precision"),
    check("actions", "actions_total >= 0 AND actions_successful >= 0 AND actions_failed >= 0"),
    check("attempt", "attempt >= 1"),
    check("retry_from", "retry_from IN ('start', 'failed_action')"),
    check("results", "json_typeof(results) = 'object'"),
    check("progress", "next_action >= 0 AND tries >= 0 AND results_bytes >= 0"),
    check(
        "run_times",
        "isfinite(queued_at) AND isfinite(due_at) AND isfinite(lease_until) AND isfinite(resume_at)"
        " AND isfinite(deadline_at) AND isfinite(cancel_requested_at)",
    ),
    check("log", "log_entries >= 0 AND log_bytes >= 0"),
    Index(
        "automation_executions_active_idx",
        "tenant",
        "automation_rule_id",
        "status",
        "queued_at",
        "execution_id",
        postgresql_where=text("status IN ('pending', 'running')"),
    ),
    Index("automation_executions_status_idx", "tenant", "status", "created_at", "execution_id"),
    Index("automation_executions_rule_idx", "tenant", "automation_rule_id", "status", "created_at", "execution_id"),
    Index("automation_executions_running_due_idx", "due_at", postgresql_where=text("status = 'running'")),
    Index("automation_executions_pending_due_idx", "due_at", postgresql_where=text("status = 'pending'")),
)

automation_execution_attempts = Table(
    "automation_execution_attempts",
    metadata,
    identifier("tenant"),
    identifier("execution_id"),
    Column("attempt", Integer(), primary_key=True, autoincrement=False),
    Column("status", Text(), nullable=False),
    time("created_at", nullable=False),
    time("started_at"),
    time("completed_at"),
    Column("duration_ms", Double()),
    Column("actions_total", Integer(), nullable=False),
    Column("actions_successful", Integer(), nullable=False),
    Column("actions_failed", Integer(), nullable=False),
    Column("error_message", Text()),
    Column("error_stack", Text()),
    Column("failed_action_index", Integer()),
    Column("rule_version", Integer(), nullable=False),
    Column("trigger_data", JSON(none_as_null=True)),
    ForeignKeyConstraint(
        ["tenant", "execution_id"],
        ["automation_executions.tenant", "automation_executions.execution_id"],
        ondelete="CASCADE",
    ),
    check("attempt", "attempt >= 1"),
    one_of("status", FINISHED),
)

automation_execution_logs = Table(
    "automation_execution_logs",
    metadata,
    Column("tenant", Uuid(), nullable=False),
    Column("execution_id", Uuid(), nullable=False),
    Column("sequence", Integer(), nullable=False),
    Column("timestamp", DateTime(timezone=True), nullable=False),
    Column("level", Text(), nullable=False),
    Column("message", Text(), nullable=False),
    Column("action_index", Integer()),
    Column("metadata", JSONB(none_as_null=True)),
    Column("attempt", Integer(), nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("tenant", "execution_id", "attempt", "sequence"),
    ForeignKeyConstraint(
        ["tenant", "execution_id"],
        ["automation_executions.tenant", "automation_executions.execution_id"],
        ondelete="CASCADE",
    ),
    one_of("level", LogLevel),
    check("timestamp", "isfinite(timestamp)"),
    check("metadata", "jsonb_typeof(metadata) = 'object'"),
)
