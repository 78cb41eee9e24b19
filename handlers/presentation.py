"""How executions, rules and plans look to clients: what handlers know becomes the contract's components, with links."""

from typing import Any
from uuid import UUID

import orjson

from automation.contract.links import Links
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.domain.rules import Rule, RuleAction, RuleStatus
from automation.engine.plan import Plan

Linked = dict[str, dict[str, str] | None]

CANCELLABLE = frozenset({ExecutionStatus.PENDING, ExecutionStatus.RUNNING})


def execution_response(execution: ExecutionDocument, links: Links) -> bytes:
    """Return the contract's ``AutomationExecutionResponse`` as JSON.

    The links are spliced into the JSON that the database made, which is neither parsed nor encoded once more.
    """
    return b'{"data":%b,"_links":%b}}' % (execution.json[:-1], orjson.dumps(_execution_links(execution, links)))


def attempts_response(execution_id: UUID, attempts: bytes, links: Links) -> bytes:
    """Return the contract's ``AutomationExecutionAttemptsResponse`` as JSON.

    Args:
        execution_id: The execution that was attempted.
        attempts: The attempts as a JSON array, made by the database.
        links: Makes the links.
    """
    linked: Linked = {
        "self": links.link("listAutomationExecutionAttempts", id=execution_id),
        "execution": links.link("getAutomationExecution", id=execution_id),
    }
    return b'{"data":%b,"_links":%b}' % (attempts, orjson.dumps(_existing(linked)))


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


def _action(action: RuleAction) -> dict[str, Any]:
    return {
        "type": action.type,
        "config": action.config,
        "continue_on_error": action.continue_on_error,
        "timeout_seconds": action.timeout_seconds,
        "retry_attempts": action.retry_attempts,
    }


def _execution_links(execution: ExecutionDocument, links: Links) -> Linked:
    linked: Linked = {
        "self": links.link("getAutomationExecution", id=execution.execution_id),
        "rule": links.link("getAutomationRule", id=execution.automation_rule_id),
        "attempts": links.link("listAutomationExecutionAttempts", id=execution.execution_id),
    }
    if execution.status in CANCELLABLE:
        linked["cancel"] = links.link("cancelAutomationExecution", id=execution.execution_id)
    elif execution.status is ExecutionStatus.FAILED:
        linked["retry"] = links.link("retryAutomationExecution", id=execution.execution_id)
    return _existing(linked)


def _rule_links(rule: Rule, links: Links) -> Linked:
    linked: Linked = {"self": links.link("getAutomationRule", id=rule.rule_id)}
    if rule.content.status is RuleStatus.ACTIVE and rule.deleted_at is None:
        linked["execute"] = links.link("executeAutomationRule", id=rule.rule_id)
    return _existing(linked)


def _existing(linked: Linked) -> Linked:
    """Return the links that lead somewhere: those to operations that the contract has."""
    return {relation: link for relation, link in linked.items() if link is not None}
