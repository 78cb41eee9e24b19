"""The tables as SQLAlchemy's ORM maps them, for the peers that use it; reached with libpq's variables."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from links import links_of
from sqlalchemy import and_, bindparam, exists, func, or_, select
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, joinedload, mapped_column, relationship

POOL = 20


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSONB}  # noqa: RUF012 - SQLAlchemy's own way


class ApiKey(Base):
    __tablename__ = "api_keys"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    tenant: Mapped[UUID]
    user_id: Mapped[UUID]
    active: Mapped[bool]
    expires_at: Mapped[datetime | None]
    usage_limit: Mapped[int | None]
    usage_count: Mapped[int]
    revoked_at: Mapped[datetime | None]


class User(Base):
    __tablename__ = "users"

    tenant: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    active: Mapped[bool]


class UserRole(Base):
    __tablename__ = "user_roles"

    tenant: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class RolePermission(Base):
    __tablename__ = "role_permissions"

    tenant: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)


class LogEntry(Base):
    __tablename__ = "automation_execution_logs"

    tenant: Mapped[UUID] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime]
    level: Mapped[str]
    message: Mapped[str]
    action_index: Mapped[int | None]
    # The name "metadata" is the declarative base's.
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata")


class Execution(Base):
    __tablename__ = "automation_executions"

    tenant: Mapped[UUID] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    automation_rule_id: Mapped[UUID]
    rule_version: Mapped[int]
    attempt: Mapped[int]
    priority: Mapped[int]
    labels: Mapped[dict[str, str]] = mapped_column(JSONB)
    status: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    duration_ms: Mapped[float | None]
    actions_total: Mapped[int]
    actions_successful: Mapped[int]
    actions_failed: Mapped[int]
    error_message: Mapped[str | None]
    error_stack: Mapped[str | None]
    failed_action_index: Mapped[int | None]
    trigger_data: Mapped[dict[str, Any] | None]
    results: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    context: Mapped[dict[str, Any] | None] = mapped_column("execution_context")
    logs: Mapped[list[LogEntry]] = relationship(
        primaryjoin=lambda: and_(
            Execution.tenant == foreign(LogEntry.tenant),
            Execution.execution_id == foreign(LogEntry.execution_id),
            Execution.attempt == foreign(LogEntry.attempt),
        ),
        order_by=LogEntry.sequence,
        viewonly=True,
    )

    @property
    def execution_context(self) -> dict[str, Any] | None:
        return self.context if self.results is None else {"actions": self.results}

    @property
    def links(self) -> dict[str, dict[str, Any]]:
        return links_of(self.execution_id, self.automation_rule_id, self.status)


def open_engine() -> AsyncEngine:
    """Return an engine with as many connections as every target has; SQLAlchemy opens them as they are needed."""
    return create_async_engine(
        "postgresql+asyncpg://",
        pool_size=POOL,
        max_overflow=0,
        json_deserializer=orjson.loads,
    )


def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


# Made once: to build a statement for each request would cost more than to execute it.
_permitted = exists(
    select(RolePermission.permission)
    .join(UserRole, and_(UserRole.tenant == RolePermission.tenant, UserRole.role == RolePermission.role))
    .where(
        UserRole.tenant == ApiKey.tenant,
        UserRole.user_id == ApiKey.user_id,
        RolePermission.permission == bindparam("permission"),
    )
)
_KEY = (
    select(ApiKey.tenant, _permitted)
    .join(User, and_(User.tenant == ApiKey.tenant, User.user_id == ApiKey.user_id, User.active))
    .where(
        ApiKey.digest == bindparam("digest"),
        ApiKey.active,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
        or_(ApiKey.usage_limit.is_(None), ApiKey.usage_count < ApiKey.usage_limit),
    )
)
_EXECUTION = (
    select(Execution)
    .where(Execution.tenant == bindparam("tenant"), Execution.execution_id == bindparam("execution_id"))
    .options(joinedload(Execution.logs))
)


async def tenant_of(session: AsyncSession, key: str) -> tuple[UUID, bool] | None:
    """Return whom a key stands for, and whether it may read; None for one that isn't accepted."""
    digest = sha256(key.encode()).digest()
    found = await session.execute(_KEY, {"digest": digest, "permission": "automation:read"})
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def execution_of(session: AsyncSession, tenant: UUID, execution_id: UUID) -> Execution | None:
    """Return one execution of a tenant, with its log entries."""
    found = await session.scalars(_EXECUTION, {"tenant": tenant, "execution_id": execution_id})
    return found.unique().one_or_none()
