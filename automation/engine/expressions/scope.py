"""The scope of expressions: the values of ``trigger``, ``context``, ``rule`` and ``execution``.

``context`` is what an execution shows as its ``execution_context``: ``{"actions": {"0": {…}}}`` holds the output of
every action that succeeded, by its index. So ``context.actions."0".status`` is the same in a config, in a condition and
for whoever reads the execution.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from automation.domain.opaque import Opaque
from automation.domain.rules import RuleContent


def scope(
    *,
    rule: Mapping[str, Any],
    execution: Mapping[str, Any],
    trigger_data: Mapping[str, Any],
    results: Mapping[int, Any],
) -> dict[str, Any]:
    """Return the variables' values, plain JSON.

    Args:
        rule: As ``rule_variable`` makes it.
        execution: As ``execution_variable`` makes it.
        trigger_data: What the execution was created with.
        results: The outputs of the actions that succeeded, by their index.
    """
    return {
        "trigger": _plain(trigger_data),
        "context": {"actions": {str(index): _plain(result) for index, result in sorted(results.items())}},
        "rule": rule,
        "execution": execution,
    }


def scope_beforehand(
    rule_id: UUID, version: int, content: RuleContent, trigger_data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the variables' values before there is an execution: it has no id, and nothing was done."""
    return scope(
        rule=rule_variable(rule_id, version, content),
        execution=execution_variable(None, 1),
        trigger_data=trigger_data,
        results={},
    )


def rule_variable(rule_id: UUID, version: int, content: RuleContent) -> dict[str, Any]:
    """Return what expressions see of a rule."""
    return {
        "rule_id": str(rule_id),
        "version": version,
        "name": content.name,
        "description": content.description,
    }


def execution_variable(execution_id: UUID | None, attempt: int) -> dict[str, Any]:
    """Return what expressions see of an execution; one that is only planned has no id."""
    return {"execution_id": None if execution_id is None else str(execution_id), "attempt": attempt}


def _plain(value: Any) -> Any:
    """Return what expressions see of a value: they take dictionaries themselves alone for objects."""
    return dict(value) if isinstance(value, Opaque) else value
