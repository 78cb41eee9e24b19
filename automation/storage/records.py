"""Writes whole rules and executions, as a demonstration or a test has made them up."""

from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql

from automation.domain.executions import Execution, LogEntry
from automation.domain.rules import Rule
from automation.storage import rule_content
from automation.storage.tables import (
    automation_execution_logs,
    automation_executions,
    automation_rule_versions,
    automation_rules,
)

_EXECUTION = tuple(name for name in Execution.__dataclass_fields__ if name != "logs")


def insert_rule(connection: Connection, rule: Rule) -> None:
    """Store a rule, unless its tenant has one of its id.

    Of a rule that is not at its first version, the versions before are stored as the last one.
    """
    content = rule_content.as_columns(rule.content)
    values = {
        "tenant": rule.tenant,
        "rule_id": rule.rule_id,
        "version": rule.version,
        "created_by": rule.created_by,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "status_reason": rule.status_reason,
        "deleted_at": rule.deleted_at,
        **content,
    }
    statement = postgresql.insert(automation_rules).values(values).on_conflict_do_nothing()
    if connection.execute(statement.returning(automation_rules.c.rule_id)).first():
        connection.execute(insert(automation_rule_versions), [_version(rule, n) for n in range(1, rule.version + 1)])


def insert_execution(connection: Connection, execution: Execution) -> None:
    """Store an execution and its logs, unless its tenant has one of its id.

    No job is written for it, and no sweep looks at it.
    """
    values = {name: getattr(execution, name) for name in _EXECUTION}
    values |= {"queued_at": execution.created_at, "log_entries": len(execution.logs)}
    statement = postgresql.insert(automation_executions).values(_plain(values)).on_conflict_do_nothing()
    stored = connection.execute(statement.returning(automation_executions.c.execution_id)).first()
    if stored and execution.logs:
        entries = [_entry(execution, sequence, entry) for sequence, entry in enumerate(execution.logs)]
        connection.execute(insert(automation_execution_logs), entries)


def _version(rule: Rule, version: int) -> dict[str, Any]:
    return {
        "tenant": rule.tenant,
        "rule_id": rule.rule_id,
        "version": version,
        "created_by": rule.created_by,
        "created_at": rule.updated_at,
        **rule_content.as_columns(rule.content),
    }


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
    objects = ("trigger_data", "execution_context", "metadata")
    return {name: dict(value) if name in objects and value is not None else value for name, value in values.items()}
