"""The tables of statistics: how runs ended, until that is counted, and what was counted."""

from sqlalchemy import BigInteger, Column, DateTime, Double, Integer, PrimaryKeyConstraint, Table, Text, Uuid

from automation.storage.schema import metadata

Table(
    "automation_run_ends",
    metadata,
    Column("tenant", Uuid(), nullable=False),
    Column("automation_rule_id", Uuid(), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("execution_id", Uuid(), nullable=False),
    Column("status", Text(), nullable=False),
    Column("duration_ms", Double()),
    PrimaryKeyConstraint("tenant", "automation_rule_id", "ended_at", "execution_id"),
)

Table(
    "automation_rule_statistics",
    metadata,
    Column("tenant", Uuid(), nullable=False),
    Column("automation_rule_id", Uuid(), nullable=False),
    Column("quarter", DateTime(timezone=True), nullable=False),
    Column("status", Text(), nullable=False),
    Column("step", Integer(), nullable=False),
    Column("runs", BigInteger(), nullable=False),
    PrimaryKeyConstraint("tenant", "automation_rule_id", "quarter", "status", "step", postgresql_include=["runs"]),
)
