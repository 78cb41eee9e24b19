"""Tables of events: what rules wait for, one row for each type that one names, and the events of the last 24 hours."""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSON

from automation.storage.schema import check, created_at, identifier, metadata, time

Table(
    "automation_event_subscriptions",
    metadata,
    Column("tenant", Uuid(), primary_key=True),
    Column("type", Text(), primary_key=True),
    Column("source", Text(), primary_key=True),
    identifier("rule_id"),
    ForeignKeyConstraint(
        ["tenant", "rule_id"], ["automation_rules.tenant", "automation_rules.rule_id"], ondelete="CASCADE"
    ),
    Index("automation_event_subscriptions_rule_idx", "tenant", "rule_id"),
)

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
