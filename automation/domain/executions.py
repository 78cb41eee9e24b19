"""Executions: their status, the entries of their logs, and the document that is read of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
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

MOST_RETRIES = 100
"""How often an execution can be retried; ``retry_execution_v1`` refuses one more."""
# The attempt after them, as a document has it before whatever its tenant wrote: identifiers, a version, no other text.
_LAST_ATTEMPT = b',"attempt":%d,' % (MOST_RETRIES + 1)
_BEFORE_TEXTS = 256


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


class ExecutionDocument(NamedTuple):
    """An execution as it is read: what links are made from, and the rest as the bytes of a JSON object.

    ``json`` is the contract's ``AutomationExecution`` without ``_links``, encoded by the database; empty where whoever
    asked knows the execution as it is. ``revision``, where it was read, is another one after every change of the
    execution, whatever it is a change of. ``already_pending`` says that it takes the place of one that was not created.
    A tuple, because that is made in one step.
    """

    execution_id: UUID
    automation_rule_id: UUID
    status: ExecutionStatus
    json: bytes
    revision: str = ""
    already_pending: bool = False

    @property
    def retriable(self) -> bool:
        """Whether it came to an end that it can be retried from, and has retries left."""
        return self.status in RETRIABLE and _LAST_ATTEMPT not in self.json[:_BEFORE_TEXTS]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions a list has, by the names of the contract's parameters: all that is given must hold.

    Of ``status`` and ``automation_rule_id`` one of the values must; none is any. Each ``label`` is ``key:value``. Times
    and durations are intervals that are not empty by their own bounds, half-open where they are of times.
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
    label: Sequence[str] = ()
