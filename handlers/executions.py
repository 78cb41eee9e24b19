"""The operations of the tag Executions."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from automation.contract.compiled.cursors import Cursors
from automation.contract.compiled.links import Links
from automation.contract.serving.reply import Reply
from automation.domain.executions import ExecutionFilter
from automation.domain.pages import given
from automation.domain.principal import Principal
from automation.storage.execution_list import ExecutionList
from automation.storage.executions import Executions
from handlers.pages import PagedList, Paging
from handlers.presentation import attempt_item, execution_item, execution_response


async def list_automation_executions(
    *,
    status: list[str] | None,
    automation_rule_id: list[UUID] | None,
    trigger_type: str | None,
    created_from: datetime | None,
    created_to: datetime | None,
    started_from: datetime | None,
    started_to: datetime | None,
    completed_from: datetime | None,
    completed_to: datetime | None,
    duration_min_ms: float | None,
    duration_max_ms: float | None,
    error_contains: str | None,
    attempt_min: int | None,
    sort: str,
    limit: int,
    cursor: str | None,
    include_total: bool,
    principal: Principal,
    executions: ExecutionList,
    cursors: Cursors,
    links: Links,
) -> Reply:
    """Return a page of the executions of the principal's tenant."""
    wanted = ExecutionFilter(
        status=tuple(status or ()),
        automation_rule_id=tuple(automation_rule_id or ()),
        trigger_type=trigger_type,
        created_from=created_from,
        created_to=created_to,
        started_from=started_from,
        started_to=started_to,
        completed_from=completed_from,
        completed_to=completed_to,
        duration_min_ms=duration_min_ms,
        duration_max_ms=duration_max_ms,
        error_contains=error_contains,
        attempt_min=attempt_min,
    )
    paging = Paging(limit, cursor, sort, include_total)
    listed = PagedList("listAutomationExecutions", given(wanted), paging, principal, links=links, cursors=cursors)
    return await listed.reply(partial(executions.page, principal.tenant, wanted), execution_item)


async def get_automation_execution(id: UUID, principal: Principal, executions: Executions, links: Links) -> bytes:
    """Return one execution of the principal's tenant."""
    execution = await executions.read(principal.tenant, id)
    return execution_response(execution, links)


async def list_automation_execution_attempts(
    *,
    id: UUID,
    limit: int,
    cursor: str | None,
    principal: Principal,
    executions: Executions,
    cursors: Cursors,
    links: Links,
) -> Reply:
    """Return a page of an execution's attempts, first to last."""
    paging = Paging(limit, cursor, ascending=True)
    listed = PagedList(
        "listAutomationExecutionAttempts", {}, paging, principal, links=links, cursors=cursors, path={"id": id}
    )
    execution = links.link("getAutomationExecution", id=id)
    return await listed.reply(partial(executions.attempts, principal.tenant, id), attempt_item, execution=execution)


async def cancel_automation_execution(id: UUID, principal: Principal, executions: Executions, links: Links) -> Reply:
    """Cancel an execution: at once where nobody runs it, else as soon as its worker has stopped."""
    execution, at_once = await executions.cancel(principal.tenant, id)
    return Reply(execution_response(execution, links), status=200 if at_once else 202)


async def retry_automation_execution(
    id: UUID, body: dict[str, Any] | None, principal: Principal, executions: Executions, links: Links
) -> bytes:
    """Put an execution that came to no good end back to pending, as its next attempt."""
    asked = body or {}
    execution = await executions.retry(
        principal.tenant,
        id,
        retry_from=asked.get("from", "start"),
        rule_version=asked.get("rule_version", "original"),
        trigger_data=asked.get("trigger_data"),
        attempt=asked.get("attempt"),
    )
    return execution_response(execution, links)
