"""The table of when recurring rules are due next: a row for each that is, and none for what the clock doesn't start."""

from sqlalchemy import ForeignKeyConstraint, Index, Table

from automation.storage.schema import check, identifier, metadata, time

Table(
    "automation_schedules",
    metadata,
    identifier("tenant"),
    identifier("rule_id"),
    time("scheduled_at", nullable=False),
    time("fire_at", nullable=False),
    ForeignKeyConstraint(
        ["tenant", "rule_id"], ["automation_rules.tenant", "automation_rules.rule_id"], ondelete="CASCADE"
    ),
    check("times", "isfinite(scheduled_at) AND isfinite(fire_at)"),
    Index("automation_schedules_fire_idx", "fire_at"),
)
