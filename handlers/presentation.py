"""Presents executions and plans to clients: as the contract's components, with links."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from automation.contract.compiled.links import Links, Relations
from automation.domain.executions import RETRIABLE, ExecutionDocument, ExecutionStatus
from automation.engine.rules.plan import Plan

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


def execution_response(execution: ExecutionDocument, links: Links) -> bytes:
    """Return the contract's ``AutomationExecutionResponse`` as JSON.

    The links are spliced into the JSON that the database made, which is neither parsed nor encoded once more.
    """
    return b'{"data":%b,"_links":%b}}' % (execution.json[:-1], _execution_links(execution, links))


def execution_item(execution: ExecutionDocument, links: Links) -> bytes:
    """Return an execution as an item of a list, the contract's ``AutomationExecutionSummary``, as JSON."""
    return b'%b,"_links":%b}' % (execution.json[:-1], _execution_links(execution, links))


def attempt_item(attempt: bytes, _links: Links) -> bytes:
    """Return an attempt as an item of a list (``AutomationExecutionAttempt``), as the database made it."""
    return attempt


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
