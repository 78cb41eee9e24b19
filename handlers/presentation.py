"""Presents executions, rules and plans to clients: as the contract's components, with links."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from automation.contract.compiled.links import Links, Relations
from automation.domain.executions import RETRIABLE, ExecutionDocument, ExecutionStatus
from automation.domain.rules import Rule, RuleAction, RuleStatus
from automation.engine.rules.plan import Plan

Linked = dict[str, dict[str, str] | None]

_OF_EVERY_EXECUTION: Relations = (
    ("self", "getAutomationExecution", "execution"),
    ("rule", "getAutomationRule", "rule"),
    ("attempts", "listAutomationExecutionAttempts", "execution"),
)
_CANCEL: Relations = (("cancel", "cancelAutomationExecution", "execution"),)
_RETRY: Relations = (("retry", "retryAutomationExecution", "execution"),)
_OF_EXECUTIONS: Mapping[ExecutionStatus, Relations] = MappingProxyType(
    {
        **dict.fromkeys(ExecutionStatus, _OF_EVERY_EXECUTION),
        ExecutionStatus.PENDING: _OF_EVERY_EXECUTION + _CANCEL,
        ExecutionStatus.RUNNING: _OF_EVERY_EXECUTION + _CANCEL,
        **dict.fromkeys(RETRIABLE, _OF_EVERY_EXECUTION + _RETRY),
    }
)
_OF_ATTEMPTS: Relations = (
    ("self", "listAutomationExecutionAttempts", "execution"),
    ("execution", "getAutomationExecution", "execution"),
)


def execution_response(execution: ExecutionDocument, links: Links) -> bytes:
    """Return the contract's ``AutomationExecutionResponse`` as JSON.

    The links are spliced into the JSON that the database made, which is neither parsed nor encoded once more.
    """
    return b'{"data":%b,"_links":%b}}' % (execution.json[:-1], _execution_links(execution, links))


def execution_item(execution: ExecutionDocument, links: Links) -> bytes:
    """Return an execution as an item of a list, the contract's ``AutomationExecutionSummary``, as JSON."""
    return b'%b,"_links":%b}' % (execution.json[:-1], _execution_links(execution, links))


def attempts_response(execution_id: UUID, attempts: bytes, links: Links) -> bytes:
    """Return the contract's ``AutomationExecutionAttemptsResponse`` as JSON.

    Args:
        execution_id: The execution that was attempted.
        attempts: The attempts as a JSON array, made by the database.
        links: Makes the links.
    """
    return b'{"data":%b,"_links":%b}' % (attempts, links.written(_OF_ATTEMPTS, execution=execution_id))


def rule_response(rule: Rule, links: Links) -> dict[str, Any]:
    """Return the contract's ``AutomationRuleResponse``."""
    content = rule.content
    data = {
        "rule_id": rule.rule_id,
        "tenant": rule.tenant,
        "version": rule.version,
        "name": content.name,
        "description": content.description,
        "status": content.status,
        "trigger_type": content.trigger_type,
        "trigger_config": content.trigger_config,
        "conditions": content.conditions,
        "condition_logic": content.condition_logic,
        "actions": [_action(action) for action in content.actions],
        "execution_timeout_seconds": content.execution_timeout_seconds,
        "max_concurrent_executions": content.max_concurrent_executions,
        "concurrency_policy": content.concurrency_policy,
        "created_by": rule.created_by,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "_links": _rule_links(rule, links),
    }
    optional = {"status_reason": rule.status_reason, "deleted_at": rule.deleted_at}
    return {"data": data | {name: value for name, value in optional.items() if value is not None}}


def plan_response(plan: Plan) -> dict[str, Any]:
    """Return the contract's ``ExecutionPlanResponse``."""
    return {
        "data": {
            "automation_rule_id": plan.automation_rule_id,
            "rule_version": plan.rule_version,
            "would_run": plan.would_run,
            "conditions": [
                {
                    "field": result.condition.field,
                    "operator": result.condition.operator,
                    "met": result.met,
                    "reason": result.reason,
                }
                for result in plan.conditions
            ],
            "actions": plan.actions,
        }
    }


def _execution_links(execution: ExecutionDocument, links: Links) -> bytes:
    relations = _OF_EXECUTIONS[execution.status]
    return links.written(relations, execution=execution.execution_id, rule=execution.automation_rule_id)


def _action(action: RuleAction) -> dict[str, Any]:
    return {
        "type": action.type,
        "config": action.config,
        "continue_on_error": action.continue_on_error,
        "timeout_seconds": action.timeout_seconds,
        "retry_attempts": action.retry_attempts,
    }


def _rule_links(rule: Rule, links: Links) -> Linked:
    linked: Linked = {"self": links.link("getAutomationRule", id=rule.rule_id)}
    if rule.content.status is RuleStatus.ACTIVE and rule.deleted_at is None:
        linked["execute"] = links.link("executeAutomationRule", id=rule.rule_id)
    return _existing(linked)


def _existing(linked: Linked) -> Linked:
    """Return the links that lead somewhere: those to operations that the contract has."""
    return {relation: link for relation, link in linked.items() if link is not None}
