"""Tables of hooks: their tokens, a directory for all tenants that functions alone look at, and what was delivered."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, LargeBinary, Table, Uuid, text

from automation.storage.schema import check, created_at, identifier, metadata, time

Table(
    "automation_hook_tokens",
    metadata,
    Column("digest", LargeBinary(), primary_key=True),
    Column("tenant", Uuid(), nullable=False),
    Column("rule_id", Uuid(), nullable=False),
    created_at(),
    time("expires_at"),
    ForeignKeyConstraint(
        ["tenant", "rule_id"], ["automation_rules.tenant", "automation_rules.rule_id"], ondelete="CASCADE"
    ),
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
    ForeignKeyConstraint(
        ["tenant", "execution_id"],
        ["automation_executions.tenant", "automation_executions.execution_id"],
        ondelete="CASCADE",
    ),
    check("delivery", "octet_length(delivery) = 32"),
    Index("automation_hook_deliveries_execution_idx", "tenant", "execution_id"),
)
