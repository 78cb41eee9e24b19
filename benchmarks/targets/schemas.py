"""The contract's response as Pydantic models, for both FastAPI peers."""

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

Count = Annotated[int, Field(ge=0)]


class Link(TypedDict):
    href: str
    method: NotRequired[str]


class LogEntry(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    timestamp: datetime
    level: Literal["debug", "info", "warn", "error"]
    message: str
    action_index: int | None
    # The ORM has another name for it: "metadata" is the declarative base's.
    metadata: Annotated[dict[str, Any] | None, Field(validation_alias=AliasChoices("details", "metadata"))]


class Execution(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    execution_id: UUID
    automation_rule_id: UUID
    tenant: UUID
    rule_version: Annotated[int, Field(ge=1)]
    attempt: Annotated[int, Field(ge=1)]
    priority: Annotated[int, Field(ge=-10, le=10)]
    labels: dict[str, str]
    status: Literal["pending", "running", "completed", "failed", "cancelled", "timeout", "skipped"]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: Annotated[float, Field(ge=0)] | None
    actions_total: Count
    actions_successful: Count
    actions_failed: Count
    error_message: str | None
    error_stack: str | None
    failed_action_index: int | None
    trigger_data: dict[str, Any] | None
    execution_context: dict[str, Any] | None
    logs: list[LogEntry]
    links: Annotated[
        dict[str, Link], Field(validation_alias=AliasChoices("links", "_links"), serialization_alias="_links")
    ]


class ExecutionResponse(BaseModel):
    data: Execution
