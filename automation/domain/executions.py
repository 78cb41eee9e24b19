"""An execution: one run of a rule, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class ExecutionStatus(StrEnum):
    """How far an execution has come (contract component ``ExecutionStatus``)."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"


class LogLevel(StrEnum):
    """How serious a log entry is (contract component ``LogLevel``)."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line of an execution's log (contract component ``AutomationExecutionLogEntry``)."""

    timestamp: datetime
    level: LogLevel
    message: str
    action_index: int | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of an automation rule (contract component ``AutomationExecution``).

    ``duration_ms`` is in milliseconds. Every time has a time zone.
    """

    execution_id: UUID
    automation_rule_id: UUID
    tenant: UUID
    status: ExecutionStatus
    created_at: datetime
    trigger_data: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: float | None = None
    actions_total: int = 0
    actions_successful: int = 0
    actions_failed: int = 0
    error_message: str | None = None
    error_stack: str | None = None
    failed_action_index: int | None = None
    execution_context: Mapping[str, Any] | None = None
    logs: tuple[LogEntry, ...] = ()
    rule_version: int = 1
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionDocument:
    """An execution as it is read: what links are made from, and the rest as the bytes of a JSON object.

    ``json`` is the contract's ``AutomationExecution`` without ``_links``, never empty, encoded by the database.
    """

    execution_id: UUID
    automation_rule_id: UUID
    status: ExecutionStatus
    json: bytes
