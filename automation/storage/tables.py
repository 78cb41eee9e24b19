"""The tables as SQLAlchemy describes them: what statements are built from, equal by test to what migrations make.

What SQLAlchemy cannot describe (row-level security, roles, grants, functions) stands in the migrations alone.

Tenant-owned tables have ``tenant`` first in their primary key. Those of accounts are in ``account_tables.py``.
"""

from typing import Any

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
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from automation.domain.executions import FINISHED, ExecutionStatus, LogLevel
from automation.domain.rules import ConcurrencyPolicy, ConditionLogic, RuleStatus, TriggerType
from automation.storage import bulk_tables, statistics_tables, trigger_tables  # noqa: F401
from automation.storage.account_tables import tenants
from automation.storage.answer_table import idempotency_records  # noqa: F401 - its table is one of these
from automation.storage.audit_table import audit_events  # noqa: F401 - the same
from automation.storage.schema import (
    FINITE_TIME,
    OBJECT_JSON,
    OBJECT_JSONB,
    POSITIVE_NUMBER,
    Domain,
    belongs_to,
    check,
    choice,
    count,
    created_at,
    identifier,
    labels,
    metadata,
    natural,
    one_of,
    time,
)
from automation.storage.secret_tables import automation_rule_secrets, automation_secrets  # noqa: F401 - the same

Table("write_probes", metadata, Column("filling", Text(), nullable=False))  # nobody's, and empty


def _content(*between: Column[Any]) -> tuple[Column[Any], ...]:
    """Return the columns of what a rule says, in rules and in their versions alike, and those that stand between."""
    return (
        Column("name", Text(), nullable=False),
        Column("description", Text()),
        Column("status", Text(), nullable=False),
        Column("trigger_type", Text(), nullable=False),
        *between,
        Column("trigger_config", JSON(), nullable=False),
        Column("conditions", JSON(), nullable=False),
        Column("condition_logic", Text(), nullable=False),
        Column("actions", JSON(), nullable=False),
        Column("execution_timeout_seconds", Integer(), nullable=False),
        Column("max_concurrent_executions", Integer()),
        Column("concurrency_policy", Text(), nullable=False),
        labels(),
        count("priority"),
        Column("input_schema", JSON(none_as_null=True)),
        Column("concurrency_key", Text()),
        Column("deduplication_key", Text()),
        Column("debounce_seconds", Integer()),
    )


automation_rules = Table(
    "automation_rules",
    metadata,
    Column("tenant", Uuid(), ForeignKey(tenants.c.tenant), primary_key=True),
    identifier("rule_id"),
    *_content(
        created_at(),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("version", Integer(), nullable=False),
    ),
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
    check("labels", "jsonb_typeof(labels) = 'object'"),
    check("priority", "priority BETWEEN -10 AND 10"),
    check("input_schema", "json_typeof(input_schema) = 'object'"),
    check("keys", "length(concurrency_key) BETWEEN 1 AND 500 AND length(deduplication_key) BETWEEN 1 AND 500"),
    check("debounce_seconds", "debounce_seconds >= 1"),
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
    *_content(),
    Column("created_by", Uuid(), nullable=False),
    created_at(),
    belongs_to("automation_rules", "rule_id"),
    check("version", "version >= 1"),
)

_EXECUTION_STATUS = choice("execution_status", ExecutionStatus)
# NaN sorts above Infinity, so one bound keeps both out.
_DURATION = Domain("duration", Double(), "double precision CHECK (VALUE >= 0 AND VALUE < 'Infinity'::double precision)")
_EXECUTION_PRIORITY = Domain("execution_priority", Integer(), "integer CHECK (VALUE BETWEEN -10 AND 10)")
_RETRY_ORIGIN = choice("retry_origin", ("start", "failed_action"))
_LOG_LEVEL = choice("log_level", LogLevel)

automation_executions = Table(
    "automation_executions",
    metadata,
    identifier("tenant"),
    identifier("execution_id"),
    Column("automation_rule_id", Uuid(), nullable=False),
    Column("status", _EXECUTION_STATUS, nullable=False),
    Column("created_at", FINITE_TIME, nullable=False, server_default=func.now()),
    Column("trigger_data", OBJECT_JSON),
    Column("started_at", FINITE_TIME),
    Column("completed_at", FINITE_TIME),
    Column("duration_ms", _DURATION),
    natural("actions_total"),
    natural("actions_successful"),
    natural("actions_failed"),
    Column("error_message", Text()),
    Column("error_stack", Text()),
    Column("failed_action_index", Integer()),
    Column("execution_context", OBJECT_JSON),
    Column("rule_version", Integer(), nullable=False, server_default=text("1")),
    Column("attempt", POSITIVE_NUMBER, nullable=False, server_default=text("1")),
    Column("created_by", Uuid()),
    Column("request_id", Text()),
    Column("triggered_by", OBJECT_JSON),
    Column("override_conditions", Boolean(), nullable=False, server_default=text("false")),
    Column("priority", _EXECUTION_PRIORITY, nullable=False, server_default=text("0")),
    Column("labels", OBJECT_JSONB, nullable=False, server_default=text("'{}'")),
    Column("concurrency_key", Text()),
    Column("deduplication_key", Text()),
    Column("retry_from", _RETRY_ORIGIN),
    Column("results", OBJECT_JSON),
    natural("results_bytes"),
    natural("next_action"),
    natural("tries"),
    Column("call_key", Uuid()),
    Column("actions_seconds", Double(), nullable=False, server_default=text("0")),
    Column("held_back", Boolean(), nullable=False, server_default=text("false")),
    Column("run_at", FINITE_TIME),
    Column("expires_at", FINITE_TIME),
    Column("queued_at", FINITE_TIME, nullable=False, server_default=func.now()),
    Column("due_at", FINITE_TIME),
    Column("fence", BigInteger(), nullable=False, server_default=text("0")),
    natural("lost_workers"),
    Column("lease_until", FINITE_TIME),
    Column("resume_at", FINITE_TIME),
    Column("deadline_at", FINITE_TIME),
    Column("cancel_requested_at", FINITE_TIME),
    Column("cancel_reason", Text()),
    natural("log_entries"),
    natural("log_bytes"),
    Column("logs_cut", Boolean(), nullable=False, server_default=text("false")),
    ForeignKeyConstraint(["tenant", "automation_rule_id"], ["automation_rules.tenant", "automation_rules.rule_id"]),
    ForeignKeyConstraint(
        ["tenant", "automation_rule_id", "rule_version"],
        ["automation_rule_versions.tenant", "automation_rule_versions.rule_id", "automation_rule_versions.version"],
        name="automation_executions_rule_version_fkey",
    ),
    Index(
        "automation_executions_active_idx",
        "tenant",
        "status",
        "automation_rule_id",
        "queued_at",
        "execution_id",
        postgresql_where=text("status IN ('pending', 'running')"),
        postgresql_include=["concurrency_key"],
    ),
    Index("automation_executions_status_idx", "tenant", "status", "created_at", "execution_id"),
    Index("automation_executions_rule_idx", "tenant", "automation_rule_id", "status", "created_at", "execution_id"),
    Index(
        "automation_executions_held_idx",
        *("tenant", text("status DESC"), text("priority DESC"), "queued_at", "execution_id"),
        postgresql_where=text("held_back"),
    ),
    Index(
        "automation_executions_concurrency_idx",
        *("tenant", "automation_rule_id", "concurrency_key", "status", "queued_at", "execution_id"),
        postgresql_where=text("status IN ('pending', 'running') AND concurrency_key IS NOT NULL"),
    ),
    Index(
        "automation_executions_deduplication_idx",
        *("tenant", "automation_rule_id", "deduplication_key", "queued_at", "execution_id"),
        postgresql_where=text("status = 'pending' AND deduplication_key IS NOT NULL"),
    ),
    Index("automation_executions_running_due_idx", "due_at", postgresql_where=text("status = 'running'")),
    Index("automation_executions_pending_due_idx", "due_at", postgresql_where=text("status = 'pending'")),
    Index(
        "automation_executions_expiring_idx",
        "expires_at",
        postgresql_where=text("status = 'pending' AND expires_at IS NOT NULL"),
    ),
)

automation_execution_labels = Table(
    "automation_execution_labels",
    metadata,
    identifier("tenant"),
    identifier("execution_id"),
    Column("key", Text(), primary_key=True),
    Column("value", Text(), nullable=False),
    time("created_at", nullable=False),
    belongs_to("automation_executions", "execution_id"),
    check("key", "length(key) BETWEEN 1 AND 63"),
    check("value", "length(value) <= 255"),
    Index("automation_execution_labels_label_idx", "tenant", "key", "value", "created_at", "execution_id"),
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
    Column("trigger_data", JSON()),
    Column("request_id", Text()),
    Column("triggered_by", JSON()),
    count("log_bytes"),
    belongs_to("automation_executions", "execution_id"),
    check("attempt", "attempt >= 1"),
    one_of("status", FINISHED),
)

automation_execution_logs = Table(
    "automation_execution_logs",
    metadata,
    Column("tenant", Uuid(), nullable=False),
    Column("execution_id", Uuid(), nullable=False),
    Column("sequence", Integer(), nullable=False),
    Column("timestamp", FINITE_TIME, nullable=False),
    Column("level", _LOG_LEVEL, nullable=False),
    Column("message", Text(), nullable=False),
    Column("action_index", Integer()),
    Column("metadata", OBJECT_JSONB),
    Column("attempt", Integer(), nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("tenant", "execution_id", "attempt", "sequence"),
    belongs_to("automation_executions", "execution_id"),
)
