"""Executions: their status, the entries of their logs, and the document that is read of one."""

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
class ExecutionDocument:
    """An execution as it is read: what links are made from, and the rest as the bytes of a JSON object.

    ``json`` is the contract's ``AutomationExecution`` without ``_links``, never empty, encoded by the database.
    """

    execution_id: UUID
    automation_rule_id: UUID
    status: ExecutionStatus
    json: bytes
