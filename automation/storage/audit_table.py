"""The table of the audit log, which is only ever added to."""

from sqlalchemy import Column, DateTime, PrimaryKeyConstraint, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSON

from automation.domain.audit import AuditActor, AuditOutcome, AuditResource
from automation.storage.schema import check, metadata, one_of

# Its key is the order in which it is read and pruned: it has no other index.
audit_events = Table(
    "audit_events",
    metadata,
    Column("tenant", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("action", Text(), nullable=False),
    Column("outcome", Text(), nullable=False),
    Column("code", Text()),
    Column("actor", Text(), nullable=False),
    Column("user_id", Uuid()),
    Column("key_prefix", Text()),
    Column("operator", Text()),
    Column("resource_type", Text(), nullable=False),
    Column("resource_id", Text()),
    Column("client_address", Text()),
    Column("request_id", Text()),
    Column("details", JSON(none_as_null=True)),
    PrimaryKeyConstraint("tenant", "created_at", "event_id"),
    one_of("outcome", AuditOutcome),
    one_of("actor", AuditActor),
    one_of("resource_type", AuditResource),
    check("created_at", "isfinite(created_at)"),
    check("details", "json_typeof(details) = 'object'"),
)
