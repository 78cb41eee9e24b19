"""Columns of a rule's content, in rules and in their versions alike."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from automation.domain.rules import (
    ConcurrencyPolicy,
    ConditionLogic,
    RuleAction,
    RuleContent,
    RuleStatus,
    TriggerType,
)

COLUMNS = tuple(member.name for member in fields(RuleContent))
"""The columns of a rule's content, in one order everywhere."""

_ASKED = dict.fromkeys(("input_schema", "concurrency_key", "deduplication_key", "debounce_seconds"))


def as_columns(content: RuleContent) -> dict[str, Any]:
    """Return the content by column, what is JSON as plain dictionaries and lists."""
    return {name: getattr(content, name) for name in COLUMNS} | {
        "status": content.status.value,
        "trigger_type": content.trigger_type.value,
        "trigger_config": dict(content.trigger_config),
        "conditions": [dict(condition) for condition in content.conditions],
        "condition_logic": content.condition_logic.value,
        "actions": [action.members() for action in content.actions],
        "concurrency_policy": content.concurrency_policy.value,
        "labels": dict(content.labels),
        "input_schema": None if content.input_schema is None else dict(content.input_schema),
    }


def from_columns(columns: Mapping[str, Any]) -> RuleContent:
    """Return the content that columns hold; what is asked of a trigger is not needed to run."""
    known = {**_ASKED, **columns}
    typed = {
        "status": RuleStatus(columns["status"]),
        "trigger_type": TriggerType(columns["trigger_type"]),
        "conditions": tuple(columns["conditions"]),
        "condition_logic": ConditionLogic(columns["condition_logic"]),
        "actions": tuple(RuleAction(**action) for action in columns["actions"]),
        "concurrency_policy": ConcurrencyPolicy(columns["concurrency_policy"]),
    }
    return RuleContent(**{name: known[name] for name in COLUMNS} | typed)
