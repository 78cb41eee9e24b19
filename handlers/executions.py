"""The operations of the tag Executions."""

from collections.abc import Mapping
from uuid import UUID

import orjson

from automation.contract.links import Links
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.domain.principal import Principal
from automation.storage.executions import Executions


async def get_automation_execution(id: UUID, principal: Principal, executions: Executions, links: Links) -> bytes:
    """Return one execution of the principal's tenant."""
    execution = await executions.read(principal.tenant, id)
    return present(execution, links)


def present(execution: ExecutionDocument, links: Links) -> bytes:
    """Return the contract's ``AutomationExecutionResponse`` as JSON.

    The links are spliced into the JSON that the database made, which is neither parsed nor encoded once more.
    """
    return b'{"data":%b,"_links":%b}}' % (execution.json[:-1], orjson.dumps(_links(execution, links)))


def _links(execution: ExecutionDocument, links: Links) -> Mapping[str, Mapping[str, str]]:
    targets = {
        "self": links.link("getAutomationExecution", id=execution.execution_id),
        "rule": links.link("getAutomationRule", id=execution.automation_rule_id),
    }
    if execution.status is ExecutionStatus.FAILED:
        targets["retry"] = links.link("retryAutomationExecution", id=execution.execution_id)
    return {relation: link for relation, link in targets.items() if link is not None}
