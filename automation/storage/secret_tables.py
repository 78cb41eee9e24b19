"""Tables of secrets: their encrypted values, and which rules name which."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from automation.storage.schema import belongs_to, check, created_at, identifier, metadata

automation_secrets = Table(
    "automation_secrets",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("name", Text(), primary_key=True),
    Column("number", BigInteger(), nullable=False),
    Column("key_id", Text(), nullable=False),
    Column("data_key", LargeBinary(), nullable=False),
    Column("ciphertext", LargeBinary(), nullable=False),
    Column("created_by", Uuid(), nullable=False),
    created_at(),
    Column("updated_by", Uuid(), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("tenant", "number"),
    check("name", "name ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'"),
    check("number", "number >= 1"),
    check("key_id", "key_id ~ '^[A-Za-z0-9]{1,16}$'"),
    check("data_key", "octet_length(data_key) = 60"),
    check("ciphertext", "octet_length(ciphertext) BETWEEN 36 AND 65564"),
    check("times", "isfinite(created_at) AND isfinite(updated_at)"),
)

automation_rule_secrets = Table(
    "automation_rule_secrets",
    metadata,
    identifier("tenant"),
    Column("name", Text(), primary_key=True),
    identifier("rule_id"),
    ForeignKeyConstraint(["tenant", "name"], ["automation_secrets.tenant", "automation_secrets.name"]),
    belongs_to("automation_rules", "rule_id"),
    Index("automation_rule_secrets_rule_idx", "tenant", "rule_id"),
)
