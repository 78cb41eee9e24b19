"""Litestar and msgspec on asyncpg, with SQL written by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException, NotFoundException, PermissionDeniedException
from msgspec import Meta, Struct
from postgres import open_pool, read, shown

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


class Link(Struct, omit_defaults=True):
    href: str
    method: str | None = None


class LogEntry(Struct):
    timestamp: datetime
    level: Literal["debug", "info", "warn", "error"]
    message: str
    action_index: int | None
    metadata: dict[str, Any] | None


class Execution(Struct):
    execution_id: UUID
    automation_rule_id: UUID
    tenant: UUID
    rule_version: Positive
    attempt: Positive
    priority: Annotated[int, Meta(ge=-10, le=10)]
    labels: dict[str, str]
    status: Literal["pending", "running", "completed", "failed", "cancelled", "timeout", "skipped"]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: Annotated[float, Meta(ge=0)] | None
    actions_total: Count
    actions_successful: Count
    actions_failed: Count
    error_message: str | None
    error_stack: str | None
    failed_action_index: int | None
    trigger_data: dict[str, Any] | None
    execution_context: dict[str, Any] | None
    logs: list[LogEntry]
    links: dict[str, Link] = msgspec.field(name="_links")


class ExecutionResponse(Struct):
    data: Execution


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    async with await open_pool() as app.state.pool:
        yield


@get("/api/v1/automation/executions/{execution_id:uuid}")
async def get_automation_execution(execution_id: UUID, request: Request, state: State) -> ExecutionResponse:
    key = request.headers.get("x-api-key")
    if key is None:
        raise NotAuthorizedException
    row = await read(state.pool, key, execution_id)
    if row is None:
        raise NotAuthorizedException
    if not row["may_read"]:
        raise PermissionDeniedException
    if row["execution_id"] is None:
        raise NotFoundException
    # A Struct's constructor checks nothing; convert() does.
    return msgspec.convert({"data": shown(row)}, ExecutionResponse)


app = Litestar([get_automation_execution], lifespan=[lifespan])
