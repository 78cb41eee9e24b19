"""Executions: their status, the entries of their logs, and the document that is read of one."""

from collections.abc import Mapping, Sequence
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


FINISHED = tuple(status for status in ExecutionStatus if status not in {"pending", "running"})
"""How an execution can end."""

RETRIABLE = frozenset({ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT, ExecutionStatus.CANCELLED})
"""The ends that were no good ones: what an execution can be retried from."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions a list has, by the names of the contract's parameters: all that is given must hold.

    Of ``status`` and ``automation_rule_id`` one of the values must; none is any. Times and durations are intervals
    that are not empty by their own bounds, half-open where they are of times.
    """

    status: Sequence[str] = ()
    automation_rule_id: Sequence[UUID] = ()
    trigger_type: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    completed_from: datetime | None = None
    completed_to: datetime | None = None
    duration_min_ms: float | None = None
    duration_max_ms: float | None = None
    error_contains: str | None = None
    attempt_min: int | None = None
