"""Tables of triggers: tokens of hooks and what came to them, events and what waits for them, and schedules."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSON

from automation.storage.schema import belongs_to, check, created_at, identifier, metadata, time

# For all tenants: functions alone look at it.
Table(
    "automation_hook_tokens",
    metadata,
    Column("digest", LargeBinary(), primary_key=True),
    Column("tenant", Uuid(), nullable=False),
    Column("rule_id", Uuid(), nullable=False),
    created_at(),
    time("expires_at"),
    belongs_to("automation_rules", "rule_id"),
    check("digest", "octet_length(digest) = 32"),
    check("times", "isfinite(created_at) AND isfinite(expires_at)"),
    Index("automation_hook_tokens_rule_idx", "tenant", "rule_id"),
    Index(
        "automation_hook_tokens_current_idx",
        *("tenant", "rule_id"),
        unique=True,
        postgresql_where=text("expires_at IS NULL"),
    ),
)

# What came to the hooks of a tenant, by the hash of its id, for as long as the execution is kept that it has started.
Table(
    "automation_hook_deliveries",
    metadata,
    identifier("tenant"),
    identifier("rule_id"),
    Column("delivery", LargeBinary(), primary_key=True),
    Column("execution_id", Uuid(), nullable=False),
    created_at(),
    belongs_to("automation_executions", "execution_id"),
    check("delivery", "octet_length(delivery) = 32"),
    Index("automation_hook_deliveries_execution_idx", "tenant", "execution_id"),
)

# What rules wait for: one row for each type that one names.
Table(
    "automation_event_subscriptions",
    metadata,
    Column("tenant", Uuid(), primary_key=True),
    Column("type", Text(), primary_key=True),
    Column("source", Text(), primary_key=True),
    identifier("rule_id"),
    belongs_to("automation_rules", "rule_id"),
    Index("automation_event_subscriptions_rule_idx", "tenant", "rule_id"),
)

# Those of the last 24 hours.
Table(
    "automation_events",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("digest", LargeBinary(), primary_key=True),
    created_at(),
    time("expires_at", nullable=False),
    Column("receipt", JSON(), nullable=False),
    check("digest", "octet_length(digest) = 32"),
    check("receipt", "json_typeof(receipt) = 'object'"),
    check("times", "isfinite(created_at) AND isfinite(expires_at)"),
    Index("automation_events_expires_at_idx", "expires_at"),
)

# When recurring rules are due next: no row for what the clock doesn't start.
Table(
    "automation_schedules",
    metadata,
    identifier("tenant"),
    identifier("rule_id"),
    time("scheduled_at", nullable=False),
    time("fire_at", nullable=False),
    belongs_to("automation_rules", "rule_id"),
    check("times", "isfinite(scheduled_at) AND isfinite(fire_at)"),
    Index("automation_schedules_fire_idx", "fire_at"),
)
