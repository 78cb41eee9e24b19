"""The operations of the tag Executions."""

from typing import Any
from uuid import UUID

from automation.contract.compiled.links import Links
from automation.contract.serving.reply import Reply
from automation.domain.principal import Principal
from automation.storage.executions import Executions
from handlers.presentation import attempts_response, execution_response


async def get_automation_execution(id: UUID, principal: Principal, executions: Executions, links: Links) -> bytes:
    """Return one execution of the principal's tenant."""
    execution = await executions.read(principal.tenant, id)
    return execution_response(execution, links)


async def list_automation_execution_attempts(
    id: UUID, principal: Principal, executions: Executions, links: Links
) -> bytes:
    """Return every attempt of an execution, first to last."""
    attempts = await executions.attempts(principal.tenant, id)
    return attempts_response(id, attempts, links)


async def cancel_automation_execution(id: UUID, principal: Principal, executions: Executions, links: Links) -> Reply:
    """Cancel an execution: at once where nobody runs it, else as soon as its worker has stopped."""
    execution, at_once = await executions.cancel(principal.tenant, id)
    return Reply(execution_response(execution, links), status=200 if at_once else 202)


async def retry_automation_execution(
    id: UUID, body: dict[str, Any] | None, principal: Principal, executions: Executions, links: Links
) -> bytes:
    """Put a failed execution back to pending, as its next attempt."""
    start = (body or {}).get("from", "start")
    execution = await executions.retry(principal.tenant, id, retry_from=start)
    return execution_response(execution, links)
