"""Writes whole executions, as a test has made them up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql

from automation.domain.executions import ExecutionStatus, LogEntry
from automation.storage.accounts.administration import Administration
from automation.storage.tables import automation_execution_labels, automation_execution_logs, automation_executions


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
    priority: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    triggered_by: Mapping[str, str] | None = None
    run_at: datetime | None = None
    expires_at: datetime | None = None


_COLUMNS = tuple(name for name in Execution.__dataclass_fields__ if name != "logs")


def add_execution(administration: Administration, *executions: Execution) -> None:
    """Store executions of a tenant and their logs as they are; one whose id the tenant has already is left alone.

    No job is written for them, and no sweep looks at them.
    """
    with administration._tenant_transaction(executions[0].tenant) as (connection, _):
        for execution in executions:
            _insert(connection, execution)


def _insert(connection: Connection, execution: Execution) -> None:
    values = {name: getattr(execution, name) for name in _COLUMNS}
    values |= {"queued_at": execution.created_at, "log_entries": len(execution.logs)}
    statement = postgresql.insert(automation_executions).values(_plain(values)).on_conflict_do_nothing()
    stored = connection.execute(statement.returning(automation_executions.c.execution_id)).first()
    if stored and execution.labels:
        connection.execute(insert(automation_execution_labels), [*_labels(execution)])
    if stored and execution.logs:
        entries = [_entry(execution, sequence, entry) for sequence, entry in enumerate(execution.logs)]
        connection.execute(insert(automation_execution_logs), entries)


def _labels(execution: Execution) -> Iterator[dict[str, Any]]:
    place = {name: getattr(execution, name) for name in ("tenant", "execution_id", "created_at")}
    for key, value in execution.labels.items():
        yield {**place, "key": key, "value": value}


def _entry(execution: Execution, sequence: int, entry: LogEntry) -> dict[str, Any]:
    values = {
        "tenant": execution.tenant,
        "execution_id": execution.execution_id,
        "attempt": execution.attempt,
        "sequence": sequence,
        "timestamp": entry.timestamp,
        "level": entry.level,
        "message": entry.message,
        "action_index": entry.action_index,
        "metadata": entry.metadata,
    }
    return _plain(values)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    # The JSON encoder takes dicts and no other mappings.
    objects = ("trigger_data", "execution_context", "labels", "metadata", "triggered_by")
    return {name: dict(value) if name in objects and value is not None else value for name, value in values.items()}
