"""The table of the audit log, which is only ever added to."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, Uuid, func

from automation.domain.audit import AuditActor, AuditOutcome, AuditResource
from automation.storage.schema import FINITE_TIME, OBJECT_JSON, choice, metadata

# Its key is the order in which it is read and pruned: it has no other index.
audit_events = Table(
    "audit_events",
    metadata,
    Column("tenant", Uuid(), nullable=False),
    Column("event_id", Uuid(), nullable=False),
    Column("created_at", FINITE_TIME, nullable=False, server_default=func.now()),
    Column("action", Text(), nullable=False),
    Column("outcome", choice("audit_outcome", AuditOutcome), nullable=False),
    Column("code", Text()),
    Column("actor", choice("audit_actor", AuditActor), nullable=False),
    Column("user_id", Uuid()),
    Column("key_prefix", Text()),
    Column("operator", Text()),
    Column("resource_type", choice("audit_resource", AuditResource), nullable=False),
    Column("resource_id", Text()),
    Column("client_address", Text()),
    Column("request_id", Text()),
    Column("details", OBJECT_JSON),
    PrimaryKeyConstraint("tenant", "created_at", "event_id"),
)
