"""The operations of the tag Executions."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from automation.contract.compiled.links import Links
from automation.contract.serving.entity_tags import EntityTags
from automation.contract.serving.preconditions import require_held
from automation.contract.serving.reply import Reply
from automation.domain.bulk_operations import BulkAction, BulkOrder
from automation.domain.executions import ExecutionFilter
from automation.domain.origin import Origin, TriggerKind
from automation.domain.pages import given
from automation.domain.principal import Principal
from automation.storage.bulk_operations import BulkOperations
from automation.storage.execution_list import ExecutionList
from automation.storage.executions import Executions
from handlers.bulk_body import BulkDesk, operation_response, refusal_item
from handlers.pages import Lists, PagedList, Paging
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
    label: list[str] | None,
    sort: str,
    limit: int,
    cursor: str | None,
    if_none_match: str | None,
    include_total: bool,
    principal: Principal,
    executions: ExecutionList,
    lists: Lists,
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
        label=tuple(dict.fromkeys(label or ())),
    )
    paging = Paging(limit, cursor, if_none_match, sort, include_total)
    listed = PagedList(lists, "listAutomationExecutions", given(wanted), paging, principal)
    return await listed.reply(partial(executions.page, principal.tenant, wanted), execution_item)


async def get_automation_execution(
    id: UUID,
    if_none_match: str | None,
    *,
    principal: Principal,
    executions: Executions,
    entity_tags: EntityTags,
    links: Links,
) -> Reply:
    """Return one execution of the principal's tenant, unless the client knows it as it is."""
    known = None if if_none_match is None else entity_tags.known(if_none_match)
    execution = await executions.read(principal.tenant, id, known)
    etag = entity_tags.tag(execution.revision)
    return Reply(execution_response(execution, links) if execution.json else None, etag=etag)


async def list_automation_execution_attempts(
    *,
    id: UUID,
    limit: int,
    cursor: str | None,
    if_none_match: str | None,
    principal: Principal,
    executions: Executions,
    lists: Lists,
) -> Reply:
    """Return a page of an execution's attempts, first to last."""
    paging = Paging(limit, cursor, if_none_match, ascending=True)
    listed = PagedList(lists, "listAutomationExecutionAttempts", {}, paging, principal, id=id)
    execution = lists.links.link("getAutomationExecution", id=id)
    return await listed.reply(partial(executions.attempts, principal.tenant, id), attempt_item, execution=execution)


async def cancel_automation_execution(id: UUID, principal: Principal, executions: Executions, links: Links) -> Reply:
    """Cancel an execution: at once where nobody runs it, else as soon as its worker has stopped."""
    execution, at_once = await executions.cancel(principal.tenant, id)
    return Reply(execution_response(execution, links), status=200 if at_once else 202)


async def delete_automation_execution(
    id: UUID,
    if_match: str | None,
    if_none_match: str | None,
    *,
    principal: Principal,
    executions: Executions,
    entity_tags: EntityTags,
) -> None:
    """Delete an execution that has ended, with its attempts and logs."""
    if if_match is None and if_none_match is None:
        await executions.delete(principal.tenant, id)
        return
    revision = (await executions.read(principal.tenant, id)).revision
    require_held(entity_tags.tag(revision), if_match, if_none_match)
    await executions.delete(principal.tenant, id, revision=revision)


async def cancel_automation_executions(
    body: dict[str, Any],
    *,
    principal: Principal,
    origin: Origin,
    executions: Executions,
    bulk_desk: BulkDesk,
) -> Reply:
    """Cancel many executions, each as it is cancelled alone."""
    cancel = partial(executions.cancel, principal.tenant)
    return await bulk_desk.answer(body, BulkOrder(action=BulkAction.CANCEL), cancel, principal, origin)


async def delete_automation_executions(
    body: dict[str, Any],
    *,
    principal: Principal,
    origin: Origin,
    executions: Executions,
    bulk_desk: BulkDesk,
) -> Reply:
    """Delete many executions, each as it is deleted alone."""
    delete = partial(executions.delete, principal.tenant)
    return await bulk_desk.answer(body, BulkOrder(action=BulkAction.DELETE), delete, principal, origin)


async def retry_automation_executions(
    body: dict[str, Any],
    *,
    principal: Principal,
    origin: Origin,
    executions: Executions,
    bulk_desk: BulkDesk,
) -> Reply:
    """Retry many executions, each as it is retried alone."""
    how = {"retry_from": body.get("from", "start"), "rule_version": body.get("rule_version", "original")}
    retry = partial(executions.retry, principal.tenant, **how, origin=replace(origin, kind=TriggerKind.RETRY))
    expect = partial(executions.expect, principal.tenant)
    return await bulk_desk.answer(
        body, BulkOrder(action=BulkAction.RETRY, **how), retry, principal, origin, prepare=expect
    )


async def get_bulk_operation(
    id: UUID, principal: Principal, bulk_operations: BulkOperations, links: Links
) -> dict[str, Any]:
    """Return how far a change of many executions has come."""
    return operation_response(await bulk_operations.get(principal.tenant, id), links)


async def list_bulk_operation_refusals(
    *,
    id: UUID,
    limit: int,
    cursor: str | None,
    if_none_match: str | None,
    principal: Principal,
    bulk_operations: BulkOperations,
    lists: Lists,
) -> Reply:
    """Return a page of what a change of many executions was refused."""
    listed = PagedList(
        lists, "listBulkOperationRefusals", {}, Paging(limit, cursor, if_none_match, ascending=True), principal, id=id
    )
    operation = lists.links.link("getBulkOperation", id=id)
    return await listed.reply(
        partial(bulk_operations.refusals, principal.tenant, id), refusal_item, operation=operation
    )


async def retry_automation_execution(
    id: UUID,
    body: dict[str, Any] | None,
    *,
    principal: Principal,
    origin: Origin,
    executions: Executions,
    links: Links,
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
        origin=replace(origin, kind=TriggerKind.RETRY),
    )
    return execution_response(execution, links)
