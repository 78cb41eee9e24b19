"""Writes whole rules, as a demonstration or a test has made them up."""

from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql

from automation.domain.rules import Rule
from automation.storage import rule_content
from automation.storage.tables import (
    automation_rule_versions,
    automation_rules,
)


def insert_rule(connection: Connection, rule: Rule) -> bool:
    """Store a rule, unless its tenant has one of its id; return whether it was stored.

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
    stored = connection.execute(statement.returning(automation_rules.c.rule_id)).first() is not None
    if stored:
        connection.execute(insert(automation_rule_versions), [_version(rule, n) for n in range(1, rule.version + 1)])
    return stored


def _version(rule: Rule, version: int) -> dict[str, Any]:
    return {
        "tenant": rule.tenant,
        "rule_id": rule.rule_id,
        "version": version,
        "created_by": rule.created_by,
        "created_at": rule.updated_at,
        **rule_content.as_columns(rule.content),
    }
