"""Presents executions and plans to clients: as the contract's components, with links."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from automation.contract.compiled.links import Links, Relations
from automation.contract.serving.reply import Reply
from automation.domain.executions import RETRIABLE, ExecutionDocument, ExecutionStatus
from automation.engine.rules.plan import Plan

_OF_EVERY_EXECUTION: Relations = (
    ("self", "getAutomationExecution", "execution"),
    ("rule", "getAutomationRule", "rule"),
    ("attempts", "listAutomationExecutionAttempts", "execution"),
)
_CANCEL: Relations = (("cancel", "cancelAutomationExecution", "execution"),)
_RETRY: Relations = (("retry", "retryAutomationExecution", "execution"),)
_OF_EXECUTIONS: Mapping[ExecutionStatus, Relations | None] = MappingProxyType(
    {
        **dict.fromkeys(ExecutionStatus, _OF_EVERY_EXECUTION),
        ExecutionStatus.PENDING: _OF_EVERY_EXECUTION + _CANCEL,
        ExecutionStatus.RUNNING: _OF_EVERY_EXECUTION + _CANCEL,
        **dict.fromkeys(RETRIABLE),  # it depends
    }
)
_OF_RETRIABLE = _OF_EVERY_EXECUTION + _RETRY


def execution_response(execution: ExecutionDocument, links: Links) -> bytes:
    """Return the contract's ``AutomationExecutionResponse`` as JSON.

    The links are spliced into the JSON that the database made, which is neither parsed nor encoded once more.
    """
    return b'{"data":%b,"_links":%b}}' % (execution.json[:-1], _execution_links(execution, links))


def delivery_ended(execution: ExecutionDocument) -> dict[str, Any]:
    """Return the contract's ``Delivery`` of an execution that has ended: nothing of what it did."""
    document = orjson.loads(execution.json)
    return {name: document[name] for name in ("execution_id", "status", "completed_at", "duration_ms")}


def creation_reply(execution: ExecutionDocument, links: Links) -> Reply:
    """Return the reply to whoever wanted an execution: the one created, or the one that was pending already."""
    if execution.already_pending:
        named = {"execution_id": execution.execution_id, "automation_rule_id": execution.automation_rule_id}
        body = orjson.dumps({**named, "status": execution.status})[:-1]
        linked = b'{"already_pending":%b,"_links":%b}}' % (body, _execution_links(execution, links))
        return Reply(linked, status=200)
    location = links.href("getAutomationExecution", id=execution.execution_id)
    return Reply(execution_response(execution, links), status=202, headers={"Location": location})


def execution_item(execution: ExecutionDocument, links: Links) -> bytes:
    """Return an execution as an item of a list, the contract's ``AutomationExecutionSummary``, as JSON."""
    return b'%b,"_links":%b}' % (execution.json[:-1], _execution_links(execution, links))


def attempt_item(attempt: bytes, _links: Links) -> bytes:
    """Return an attempt as an item of a list (``AutomationExecutionAttempt``), as the database made it."""
    return attempt


def plan_response(plan: Plan) -> dict[str, Any]:
    """Return the contract's ``ExecutionPlanResponse``."""
    times = {"run_at": plan.run_at, "expires_at": plan.expires_at}
    return {
        "data": {
            "automation_rule_id": plan.automation_rule_id,
            "rule_version": plan.rule_version,
            "would_run": plan.would_run,
            "labels": plan.labels,
            **{name: time for name, time in times.items() if time is not None},
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
    if relations is None:
        relations = _OF_RETRIABLE if execution.retriable else _OF_EVERY_EXECUTION
    return links.written(relations, execution=execution.execution_id, rule=execution.automation_rule_id)
