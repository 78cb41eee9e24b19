"""Columns of a rule's content, in rules and in their versions alike."""

from collections.abc import Mapping
from typing import Any

from automation.domain.rules import (
    ConcurrencyPolicy,
    ConditionLogic,
    RuleAction,
    RuleContent,
    RuleStatus,
    TriggerType,
)

COLUMNS = (
    "name",
    "description",
    "status",
    "trigger_type",
    "trigger_config",
    "conditions",
    "condition_logic",
    "actions",
    "execution_timeout_seconds",
    "max_concurrent_executions",
    "concurrency_policy",
    "labels",
    "priority",
    "input_schema",
    "concurrency_key",
    "deduplication_key",
    "debounce_seconds",
)
"""The columns of a rule's content, in one order everywhere."""


def as_columns(content: RuleContent) -> dict[str, Any]:
    """Return the content by column, what is JSON as plain dictionaries and lists."""
    return {
        "name": content.name,
        "description": content.description,
        "status": content.status.value,
        "trigger_type": content.trigger_type.value,
        "trigger_config": dict(content.trigger_config),
        "conditions": [dict(condition) for condition in content.conditions],
        "condition_logic": content.condition_logic.value,
        "actions": [action.members() for action in content.actions],
        "execution_timeout_seconds": content.execution_timeout_seconds,
        "max_concurrent_executions": content.max_concurrent_executions,
        "concurrency_policy": content.concurrency_policy.value,
        "labels": dict(content.labels),
        "priority": content.priority,
        "input_schema": None if content.input_schema is None else dict(content.input_schema),
        "concurrency_key": content.concurrency_key,
        "deduplication_key": content.deduplication_key,
        "debounce_seconds": content.debounce_seconds,
    }


def from_columns(columns: Mapping[str, Any]) -> RuleContent:
    """Return the content that columns hold; what is asked of a trigger is not needed to run."""
    return RuleContent(
        name=columns["name"],
        description=columns["description"],
        status=RuleStatus(columns["status"]),
        trigger_type=TriggerType(columns["trigger_type"]),
        trigger_config=columns["trigger_config"],
        conditions=tuple(columns["conditions"]),
        condition_logic=ConditionLogic(columns["condition_logic"]),
        actions=tuple(RuleAction(**action) for action in columns["actions"]),
        execution_timeout_seconds=columns["execution_timeout_seconds"],
        max_concurrent_executions=columns["max_concurrent_executions"],
        concurrency_policy=ConcurrencyPolicy(columns["concurrency_policy"]),
        labels=columns["labels"],
        priority=columns["priority"],
        input_schema=columns.get("input_schema"),
        concurrency_key=columns.get("concurrency_key"),
        deduplication_key=columns.get("deduplication_key"),
        debounce_seconds=columns.get("debounce_seconds"),
    )
