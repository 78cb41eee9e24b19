"""The tables of who may do what, and how much: tenants with their limits, users, roles and keys.

``tenants`` and ``api_keys`` are global directories: they answer what must be known before the tenant is, and only
functions reach them on behalf of the API.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from automation.storage.schema import belongs_to, check, created_at, identifier, metadata, time

tenants = Table(
    "tenants",
    metadata,
    identifier("tenant"),
    Column("name", Text(), nullable=False),
    created_at(),
    UniqueConstraint("name"),
    check("name", "length(name) BETWEEN 1 AND 200"),
)

users = Table(
    "users",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    identifier("user_id"),
    Column("email", Text(), nullable=False),
    Column("active", Boolean(), nullable=False, server_default=text("true")),
    created_at(),
    UniqueConstraint("tenant", "email"),
    check("email", "length(email) BETWEEN 3 AND 320"),
)

roles = Table(
    "roles",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("role", Text(), primary_key=True),
    check("role", "length(role) BETWEEN 1 AND 100"),
)

role_permissions = Table(
    "role_permissions",
    metadata,
    identifier("tenant"),
    Column("role", Text(), primary_key=True),
    Column("permission", Text(), primary_key=True),
    belongs_to("roles", "role"),
    check("permission", "permission ~ '^[a-z_]+:[a-z_]+$'"),
)

user_roles = Table(
    "user_roles",
    metadata,
    identifier("tenant"),
    identifier("user_id"),
    Column("role", Text(), primary_key=True),
    belongs_to("users", "user_id"),
    belongs_to("roles", "role"),
)

# No foreign key to users: the key of a deleted user stays, and is refused as such.
api_keys = Table(
    "api_keys",
    metadata,
    Column("digest", LargeBinary(), primary_key=True),
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), nullable=False),
    Column("user_id", Uuid(), nullable=False),
    Column("prefix", Text(), nullable=False),
    Column("name", Text()),
    Column("active", Boolean(), nullable=False, server_default=text("true")),
    time("expires_at"),
    Column("usage_limit", BigInteger()),
    Column("usage_count", BigInteger(), nullable=False, server_default=text("0")),
    Column("requests_per_minute", BigInteger()),
    time("last_used_at"),
    created_at(),
    time("revoked_at"),
    UniqueConstraint("prefix"),
    check("name", "length(name) BETWEEN 1 AND 200"),
    check("digest", "octet_length(digest) = 32"),
    check("usage_limit", "usage_limit >= 0"),
    check("usage_count", "usage_count >= 0 AND usage_count <= usage_limit"),
    check("requests_per_minute", "requests_per_minute >= 1"),
)

# What a tenant may use where that is not what the settings say; which limits there are is known by automation.domain.
tenant_limits = Table(
    "tenant_limits",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("name", Text(), primary_key=True),
    Column("value", BigInteger(), nullable=False),
    check("value", "value >= 0"),
)

# For how many days something is kept where that is not what the settings say; what, is known by automation.domain.
tenant_retention = Table(
    "tenant_retention",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("name", Text(), primary_key=True),
    Column("days", Integer()),
    check("days", "days >= 1"),
)

# The minute of each limit on requests: of a tenant, or of a key by its prefix. Functions alone look at it.
Table(
    "rate_windows",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("subject", Text(), primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("granted", BigInteger(), nullable=False, server_default=text("0")),
    check("granted", "granted >= 0"),
)

# What was used of other limits: on a day, or on the day 'epoch' where it is kept. Functions alone look at it, too.
Table(
    "tenant_usage",
    metadata,
    Column("tenant", Uuid(), ForeignKey("tenants.tenant"), primary_key=True),
    Column("name", Text(), primary_key=True),
    Column("shard", SmallInteger(), primary_key=True),
    Column("day", Date(), nullable=False),
    Column("used", BigInteger(), nullable=False),
)
