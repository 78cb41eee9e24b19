"""Executions, rules and plans, as operations answer with them."""

import json
from typing import Any
from uuid import UUID

import orjson
import pytest

from automation.contract.compiled.links import Links
from automation.domain.executions import ExecutionDocument, ExecutionStatus
from automation.domain.rules import RuleStatus
from handlers.presentation import execution_response
from handlers.rule_presentation import rule_response
from tests.handlers.rules import CREATED_AT, RULE, a_rule

EXECUTION = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
EXECUTION_PATH = f"/api/v1/automation/executions/{EXECUTION}"
RULE_PATH = f"/api/v1/automation/rules/{RULE.rule_id}"


def execution(status: ExecutionStatus) -> ExecutionDocument:
    content = {"execution_id": str(EXECUTION), "status": status, "error_message": 'quoted "}" and é'}
    return ExecutionDocument(
        execution_id=EXECUTION, automation_rule_id=RULE.rule_id, status=status, json=json.dumps(content).encode()
    )


def links_of(status: ExecutionStatus, links: Links) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(execution_response(execution(status), links))["data"]["_links"]
    return found


def test_what_the_database_made_of_an_execution_is_sent_as_it_is(links: Links) -> None:
    stored = execution(ExecutionStatus.COMPLETED)

    sent = execution_response(stored, links)

    assert sent.startswith(b'{"data":' + stored.json.removesuffix(b"}"))


@pytest.mark.parametrize("status", ExecutionStatus)
def test_links_lead_to_the_execution_its_rule_and_its_attempts(status: ExecutionStatus, links: Links) -> None:
    shown = links_of(status, links)

    always = {"self": EXECUTION_PATH, "rule": RULE_PATH, "attempts": f"{EXECUTION_PATH}/attempts"}
    assert {name: shown[name] for name in always} == {name: {"href": href} for name, href in always.items()}


@pytest.mark.parametrize("status", ExecutionStatus)
def test_only_what_came_to_no_good_end_can_be_retried(status: ExecutionStatus, links: Links) -> None:
    shown = links_of(status, links)

    retry = {"href": f"{EXECUTION_PATH}/retry", "method": "POST"}
    unfinished = status in {ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT, ExecutionStatus.CANCELLED}
    assert shown.get("retry") == (retry if unfinished else None)


@pytest.mark.parametrize("status", ExecutionStatus)
def test_only_an_execution_that_has_not_finished_can_be_cancelled(status: ExecutionStatus, links: Links) -> None:
    shown = links_of(status, links)

    cancel = {"href": f"{EXECUTION_PATH}/cancel", "method": "POST"}
    unfinished = status in {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}
    assert shown.get("cancel") == (cancel if unfinished else None)


def test_no_link_leads_to_an_operation_that_the_contract_does_not_have(links_without_retry: Links) -> None:
    shown = links_of(ExecutionStatus.FAILED, links_without_retry)

    assert shown.keys() == {"self", "rule", "attempts"}


def test_a_rule_is_shown_with_what_the_contract_requires(links: Links, document: dict[str, Any]) -> None:
    shown = rule_response(a_rule(), links)["data"]

    assert shown.keys() == set(document["components"]["schemas"]["AutomationRule"]["required"])


def test_a_rule_that_is_deleted_or_in_error_is_shown_with_every_field(links: Links, document: dict[str, Any]) -> None:
    rule = a_rule(RuleStatus.ERROR, status_reason="its action 0 is gone", deleted_at=CREATED_AT)

    shown = rule_response(rule, links)["data"]

    assert shown.keys() == document["components"]["schemas"]["AutomationRule"]["properties"].keys()


def test_a_rule_is_shown_as_it_is_stored(links: Links) -> None:
    rule = a_rule()

    shown = rule_response(rule, links)["data"]

    assert all(
        value == getattr(rule if hasattr(rule, name) else rule.content, name)
        for name, value in shown.items()
        if name not in {"_links", "actions"}
    )
    assert json.loads(orjson.dumps(shown["actions"])) == [
        {
            "type": "wait",
            "config": {"seconds": 1},
            "continue_on_error": False,
            "timeout_seconds": 30,
            "retry_attempts": 0,
        }
    ]


@pytest.mark.parametrize("status", RuleStatus)
def test_only_a_rule_that_is_active_or_paused_can_be_run(status: RuleStatus, links: Links) -> None:
    shown = rule_response(a_rule(status), links)["data"]["_links"]

    execute = {"href": f"{RULE_PATH}/execute", "method": "POST"}
    assert shown["self"] == {"href": RULE_PATH}
    assert shown["versions"] == {"href": f"{RULE_PATH}/versions"}
    assert shown.get("execute") == (execute if status in {RuleStatus.ACTIVE, RuleStatus.PAUSED} else None)


def test_a_deleted_rule_can_not_be_run(links: Links) -> None:
    shown = rule_response(a_rule(deleted_at=CREATED_AT), links)["data"]["_links"]

    assert shown.keys() == {"self", "versions"}
