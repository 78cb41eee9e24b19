"""Tables of bulk operations: what is done to which executions, how far it came, and what was refused."""

from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSON

from automation.domain.bulk_operations import BulkAction, BulkStatus
from automation.storage.schema import check, count, created_at, identifier, metadata, one_of, time

Table(
    "automation_bulk_operations",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    identifier("bulk_operation_id"),
    Column("action", Text(), nullable=False),
    Column("filter", JSON(), nullable=False),
    Column("retry_from", Text()),
    Column("rule_version", Text()),
    Column("status", Text(), nullable=False, server_default=text("'pending'")),
    Column("matched", Integer(), nullable=False),
    Column("matched_exact", Boolean(), nullable=False),
    count("done"),
    count("refused"),
    count("batches"),
    time("position_at"),
    Column("position_id", Uuid()),
    Column("created_by", Uuid(), nullable=False),
    Column("key_prefix", Text(), nullable=False),
    Column("client_address", Text()),
    Column("request_id", Text()),
    created_at(),
    time("started_at"),
    time("worked_at"),
    time("completed_at"),
    Column("failure", Text()),
    one_of("action", BulkAction),
    one_of("status", BulkStatus),
    check("filter", "json_typeof(filter) = 'object'"),
    check("completed_at", "(completed_at IS NOT NULL) = (status IN ('completed', 'failed'))"),
    Index("automation_bulk_operations_open_idx", "tenant", postgresql_where=text("status IN ('pending', 'running')")),
    Index("automation_bulk_operations_completed_idx", "completed_at"),
)

Table(
    "automation_bulk_refusals",
    metadata,
    identifier("tenant"),
    identifier("bulk_operation_id"),
    Column("number", Integer(), primary_key=True),
    Column("execution_id", Uuid(), nullable=False),
    Column("code", Text(), nullable=False),
    Column("detail", Text(), nullable=False),
    ForeignKeyConstraint(
        ["tenant", "bulk_operation_id"],
        ["automation_bulk_operations.tenant", "automation_bulk_operations.bulk_operation_id"],
    ),
)
