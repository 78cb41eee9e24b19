"""Writes whole rules and executions, as a demonstration or a test has made them up."""

from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql

from automation.domain.executions import Execution, LogEntry
from automation.domain.rules import Rule
from automation.storage.tables import automation_execution_logs, automation_executions, automation_rules


def insert_rule(connection: Connection, rule: Rule) -> None:
    """Store a rule, unless its tenant has one of its id."""
    values = {column.name: getattr(rule, column.name) for column in automation_rules.c}
    connection.execute(postgresql.insert(automation_rules).values(values).on_conflict_do_nothing())


def insert_execution(connection: Connection, execution: Execution) -> None:
    """Store an execution and its logs, unless its tenant has one of its id."""
    values = {column.name: getattr(execution, column.name) for column in automation_executions.c}
    statement = postgresql.insert(automation_executions).values(_plain(values)).on_conflict_do_nothing()
    stored = connection.execute(statement.returning(automation_executions.c.execution_id)).first()
    if stored and execution.logs:
        entries = [_entry(execution, sequence, entry) for sequence, entry in enumerate(execution.logs)]
        connection.execute(insert(automation_execution_logs), entries)


def _entry(execution: Execution, sequence: int, entry: LogEntry) -> dict[str, Any]:
    values = {
        "tenant": execution.tenant,
        "execution_id": execution.execution_id,
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
