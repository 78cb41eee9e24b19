"""The table of answers to writes that may be repeated, by user and ``Idempotency-Key``."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSON

from automation.storage.schema import check, created_at, identifier, metadata, time

idempotency_records = Table(
    "idempotency_records",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    identifier("user_id"),
    Column("idempotency_key", Text(), primary_key=True),
    Column("digest", LargeBinary(), nullable=False),
    Column("status", SmallInteger(), nullable=False),
    Column("headers", JSON(), nullable=False),
    Column("body", LargeBinary()),
    created_at(),
    time("expires_at", nullable=False),
    check("idempotency_key", "length(idempotency_key) BETWEEN 1 AND 255"),
    check("digest", "octet_length(digest) = 32"),
    check("status", "status BETWEEN 200 AND 299"),
    check("headers", "json_typeof(headers) = 'array'"),
    check("body", "octet_length(body) <= 1048576"),
    check("times", "isfinite(created_at) AND isfinite(expires_at)"),
    Index("idempotency_records_expires_at_idx", "expires_at"),
)
