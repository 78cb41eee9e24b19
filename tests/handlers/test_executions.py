"""An execution, as the operation answers with it."""

import json
from typing import Any
from uuid import UUID

import pytest

from automation.contract.links import Links
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from handlers.executions import present

EXECUTION = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
RULE = UUID("3f2504e0-4f89-41d3-9a0c-0305e82c3301")


def execution(status: ExecutionStatus) -> ExecutionDocument:
    content = {"execution_id": str(EXECUTION), "status": status, "error_message": 'quoted "}" and é'}
    return ExecutionDocument(
        execution_id=EXECUTION, automation_rule_id=RULE, status=status, json=json.dumps(content).encode()
    )


def shown(status: ExecutionStatus, links: Links) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(present(execution(status), links))["data"]
    return data


def test_what_the_database_made_is_sent_as_it_is(links: Links) -> None:
    stored = execution(ExecutionStatus.COMPLETED)

    sent = present(stored, links)

    assert sent.startswith(b'{"data":' + stored.json.removesuffix(b"}"))


def test_links_lead_to_the_execution_and_its_rule(links: Links) -> None:
    data = shown(ExecutionStatus.COMPLETED, links)

    assert data["_links"] == {
        "self": {"href": f"/api/v1/automation/executions/{EXECUTION}"},
        "rule": {"href": f"/api/v1/automation/rules/{RULE}"},
    }


def test_no_link_leads_to_an_operation_that_the_contract_does_not_have(links: Links) -> None:
    data = shown(ExecutionStatus.FAILED, links)

    assert data["_links"].keys() == {"self", "rule"}


@pytest.mark.parametrize("status", ExecutionStatus)
def test_only_a_failed_execution_can_be_retried(status: ExecutionStatus, links_with_retry: Links) -> None:
    data = shown(status, links_with_retry)

    retry = {"href": f"/api/v1/automation/executions/{EXECUTION}/retry", "method": "POST"}
    assert data["_links"].get("retry") == (retry if status is ExecutionStatus.FAILED else None)
