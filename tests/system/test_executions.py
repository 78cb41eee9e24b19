"""Executions that are created, planned, cancelled and retried, through the API of a service that runs none."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from automation.domain.permissions import Role
from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, RULES, WEBHOOK, Tenant, rule_input

JSON = {"content-type": "application/json"}


def execute_path(rule: dict[str, Any]) -> str:
    return f"{RULES}/{rule['rule_id']}/execute"


def path_of(execution: dict[str, Any]) -> str:
    return f"{EXECUTIONS}/{execution['execution_id']}"


def test_an_execution_is_created_pending_and_is_where_its_location_says(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    response = tenant.post(execute_path(rule), {"trigger_data": {"order_id": 1042, "total": 99.5}})

    data = response.json()["data"]
    assert response.status_code == 202
    assert response.headers["location"] == path_of(data)
    assert response.headers["cache-control"] == "private, no-store"
    assert data["automation_rule_id"] == rule["rule_id"]
    assert data["trigger_data"] == {"order_id": 1042, "total": 99.5}
    assert (data["status"], data["attempt"], data["rule_version"], data["actions_total"]) == ("pending", 1, 1, 1)
    assert data["_links"].keys() == {"self", "rule", "attempts", "cancel"}
    assert tenant.ask("GET", response.headers["location"]).json() == response.json()


def test_without_a_body_an_execution_has_no_trigger_data(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    response = tenant.post(execute_path(rule))

    assert response.status_code == 202
    assert response.json()["data"]["trigger_data"] == {}


def test_an_execution_keeps_the_version_that_it_was_created_with(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    execution = tenant.execute(rule)
    tenant.ask("PUT", f"{RULES}/{rule['rule_id']}", json=rule_input(actions=[WEBHOOK, WEBHOOK]))

    earlier, later = tenant.ask("GET", path_of(execution)).json()["data"], tenant.execute(rule)

    assert (earlier["rule_version"], earlier["actions_total"]) == (1, 1)
    assert (later["rule_version"], later["actions_total"]) == (2, 2)


@pytest.mark.parametrize("status", ["draft", "inactive"])
def test_a_rule_that_is_not_active_can_be_planned_and_not_run(tenant: Tenant, status: str) -> None:
    rule = tenant.create_rule(status=status)

    refused = tenant.post(execute_path(rule))
    planned = tenant.post(execute_path(rule), {"dry_run": True})

    problem_of(refused, 409, "rule_not_active")
    assert planned.status_code == 200


def test_a_dry_run_tells_what_would_be_done(tenant: Tenant) -> None:
    rule = tenant.create_rule(
        conditions=[
            {"field": "trigger.total", "operator": "greater_than", "value": 50},
            {"field": "trigger.country", "operator": "exists"},
        ],
        actions=[
            {
                "type": "webhook_call",
                "config": {
                    "url": "https://example.com/orders/${trigger.order_id}",
                    "headers": {"authorization": "Bearer sesame"},
                    "json": {"total": "${trigger.total}"},
                },
            },
            {
                "type": "webhook_call",
                "config": {"url": "https://example.com", "json": {"id": '${context.actions."0".body.id}'}},
            },
        ],
    )

    editor = replace(tenant, key=tenant.add_key(Role.EDITOR))
    response = editor.post(execute_path(rule), {"dry_run": True, "trigger_data": {"order_id": 7, "total": 99.5}})

    data = response.json()["data"]
    assert response.status_code == 200
    assert "sesame" not in response.text
    assert (data["automation_rule_id"], data["rule_version"], data["would_run"]) == (rule["rule_id"], 1, False)
    assert [(each["field"], each["operator"], each["met"]) for each in data["conditions"]] == [
        ("trigger.total", "greater_than", True),
        ("trigger.country", "exists", False),
    ]
    assert data["actions"] == [
        {
            "index": 0,
            "type": "webhook_call",
            "config": {
                "url": "https://example.com/orders/7",
                "headers": {"authorization": "***"},
                "json": {"total": 99.5},
            },
            "unresolved": [],
        },
        {
            "index": 1,
            "type": "webhook_call",
            "config": {"url": "https://example.com", "json": {"id": '${context.actions."0".body.id}'}},
            "unresolved": ["/json/id"],
        },
    ]


def test_a_dry_run_overrides_conditions_as_a_run_does(tenant: Tenant) -> None:
    rule = tenant.create_rule(conditions=[{"field": "trigger.total", "operator": "exists"}])

    planned = tenant.post(execute_path(rule), {"dry_run": True, "override_conditions": True})

    assert planned.json()["data"]["would_run"] is True


def test_a_dry_run_stores_nothing(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    tenant.post(execute_path(rule), {"dry_run": True})

    assert tenant.ask("DELETE", f"{RULES}/{rule['rule_id']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"trigger_data": []}, "/trigger_data"),
        ({"trigger_data": None}, "/trigger_data"),
        ({"dry_run": "yes"}, "/dry_run"),
        ({"dryRun": True}, "/dryRun"),
    ],
)
def test_how_to_run_a_rule_is_held_to_the_contract(tenant: Tenant, body: Any, pointer: str) -> None:
    rule = tenant.create_rule()

    response = tenant.post(execute_path(rule), body)

    assert [error["pointer"] for error in problem_of(response, 400, "invalid_body")["errors"]] == [pointer]


@pytest.mark.parametrize(
    "sent",
    [
        '{"v": 1e22, "w": 1.10, "x": -0.0, "y": 1E5}',
        '{"v": 36893488147419103232, "pi": 3.14159265358979323846264338327950288}',
        '{"text": "\\u0000 \\ud83d\\ude00 \\/", "ä": [ ]}',
        '{"v":[' + ",".join(["1e308"] * 10_000) + "]}",
    ],
    ids=["floats", "digits", "escapes", "large"],
)
def test_what_only_passes_through_comes_back_as_it_was_sent(tenant: Tenant, sent: str) -> None:
    path = execute_path(tenant.create_rule())
    body = f'{{"trigger_data": {sent}}}'.encode()

    created = tenant.ask("POST", path, content=body, headers=JSON)
    execution = path_of(created.json()["data"])
    read = tenant.ask("GET", execution)
    tenant.post(f"{execution}/cancel")
    retried = tenant.ask("POST", f"{execution}/retry", content=body, headers=JSON)

    assert (created.status_code, retried.status_code) == (202, 200)
    assert all(f'"trigger_data":{sent},"' in answer.text for answer in (created, read, retried))


def test_what_is_not_opaque_is_still_read_strictly(tenant: Tenant) -> None:
    path = execute_path(tenant.create_rule())
    large = '{"trigger_data": {"v": 36893488147419103232}, "dry_run": true}'

    planned = tenant.ask("POST", path, content=large, headers=JSON)
    refused = tenant.ask("POST", path, content=large.replace("true", "36893488147419103232"), headers=JSON)

    assert planned.status_code == 200
    problem_of(refused, 400, "invalid_body")


def test_a_pending_execution_is_cancelled_at_once(tenant: Tenant) -> None:
    execution = tenant.execute(tenant.create_rule())

    response = tenant.post(execution["_links"]["cancel"]["href"])

    data = response.json()["data"]
    assert (response.status_code, data["status"]) == (200, "cancelled")
    assert data["completed_at"] is not None
    assert data["_links"].keys() == {"self", "rule", "attempts", "retry"}
    assert tenant.ask("GET", path_of(execution)).json()["data"] == data


def test_what_was_cancelled_may_be_cancelled_once_more(tenant: Tenant) -> None:
    execution = tenant.execute(tenant.create_rule())
    first = tenant.post(f"{path_of(execution)}/cancel")

    again = tenant.post(f"{path_of(execution)}/cancel")

    assert (again.status_code, again.json()) == (200, first.json())


def test_an_execution_that_has_finished_otherwise_is_not_cancelled(tenant: Tenant) -> None:
    path = tenant.add_failed_execution(tenant.create_rule())

    problem_of(tenant.post(f"{path}/cancel"), 409, "execution_finished")


def test_an_execution_that_has_not_ended_is_not_retried(tenant: Tenant) -> None:
    execution = tenant.execute(tenant.create_rule())

    problem_of(tenant.post(f"{path_of(execution)}/retry"), 409, "execution_not_retriable")


def test_what_was_cancelled_is_retried_with_the_mended_rule_and_other_data(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    path = path_of(tenant.execute(rule, trigger_data={"order_id": 1}))
    tenant.post(f"{path}/cancel")
    tenant.ask("PUT", f"{RULES}/{rule['rule_id']}", json=rule_input(actions=[WEBHOOK, WEBHOOK]))

    response = tenant.post(f"{path}/retry", {"rule_version": "latest", "trigger_data": {"order_id": 2}})
    attempts = tenant.ask("GET", f"{path}/attempts").json()["data"]

    data = response.json()["data"]
    assert response.status_code == 200
    assert (data["rule_version"], data["actions_total"], data["trigger_data"]) == (2, 2, {"order_id": 2})
    assert [(each["rule_version"], each.get("trigger_data")) for each in attempts] == [(1, {"order_id": 1}), (2, None)]


def test_other_data_is_taken_from_the_start_alone(tenant: Tenant) -> None:
    path = tenant.add_failed_execution(tenant.create_rule(actions=[WEBHOOK, WEBHOOK]))

    response = tenant.post(f"{path}/retry", {"from": "failed_action", "trigger_data": {}})

    (error,) = problem_of(response, 400, "invalid_body")["errors"]
    assert error["message"] == "has trigger_data, which can be changed from the start only"


def test_a_latest_version_with_other_actions_before_does_not_go_on(tenant: Tenant) -> None:
    rule = tenant.create_rule(actions=[WEBHOOK, WEBHOOK])
    path = tenant.add_failed_execution(rule)
    other = {**WEBHOOK, "config": {**WEBHOOK["config"], "method": "PUT"}}
    tenant.ask("PUT", f"{RULES}/{rule['rule_id']}", json=rule_input(actions=[other, WEBHOOK]))

    refused = tenant.post(f"{path}/retry", {"from": "failed_action", "rule_version": "latest"})

    problem_of(refused, 409, "actions_changed")


def test_an_execution_of_a_rule_that_is_not_active_is_not_retried(tenant: Tenant) -> None:
    rule = tenant.create_rule(actions=[WEBHOOK, WEBHOOK])
    path = tenant.add_failed_execution(rule)
    tenant.ask("PUT", f"{RULES}/{rule['rule_id']}", json=rule_input(status="inactive"))

    problem_of(tenant.post(f"{path}/retry"), 409, "rule_not_active")


@pytest.mark.parametrize("body", [None, {}, {"from": "start"}, {"from": "failed_action"}])
def test_a_failed_execution_is_pending_again_with_the_same_id(tenant: Tenant, body: Any) -> None:
    path = tenant.add_failed_execution(tenant.create_rule(actions=[WEBHOOK, WEBHOOK]))
    retry = tenant.ask("GET", path).json()["data"]["_links"]["retry"]

    response = tenant.ask(retry["method"], retry["href"], **({} if body is None else {"json": body}))

    data = response.json()["data"]
    assert response.status_code == 200
    assert path == path_of(data)
    assert (data["status"], data["attempt"], data["actions_failed"]) == ("pending", 2, 0)
    assert (data["error_message"], data["failed_action_index"], data["completed_at"]) == (None, None, None)


def test_an_execution_of_a_deleted_rule_is_not_retried(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    path = tenant.add_failed_execution(rule)
    deleted = tenant.ask("DELETE", f"{RULES}/{rule['rule_id']}")

    assert deleted.status_code == 204
    problem_of(tenant.post(f"{path}/retry"), 409, "rule_deleted")
    assert tenant.ask("GET", path).json()["data"]["status"] == "failed"


@pytest.mark.parametrize(
    "body",
    [{"from": "end"}, {"from": None}, {"rule_version": 1}, {"trigger_data": []}, {"from": "start", "again": True}, []],
)
def test_how_to_retry_is_held_to_the_contract(tenant: Tenant, body: Any) -> None:
    path = tenant.add_failed_execution(tenant.create_rule(actions=[WEBHOOK, WEBHOOK]))

    problem_of(tenant.post(f"{path}/retry", body), 400, "invalid_body")


def test_every_attempt_is_listed_with_its_own_outcome(tenant: Tenant) -> None:
    path = tenant.add_failed_execution(tenant.create_rule(actions=[WEBHOOK, WEBHOOK]))
    tenant.post(f"{path}/retry")

    response = tenant.ask("GET", f"{path}/attempts")

    first, second = response.json()["data"]
    assert response.status_code == 200
    assert (first["attempt"], first["status"], first["actions_failed"]) == (1, "failed", 1)
    assert first["error_message"] == "the receiver answered 502"
    assert (second["attempt"], second["status"], second["error_message"]) == (2, "pending", None)
    whole = {"href": f"{path}/attempts?limit=25"}
    assert response.json()["_links"] == {"self": whole, "first": whole, "execution": {"href": path}}


def test_attempts_are_followed_page_by_page_there_and_back(tenant: Tenant) -> None:
    path = tenant.add_failed_execution(tenant.create_rule(actions=[WEBHOOK, WEBHOOK]))
    tenant.post(f"{path}/retry")

    first = tenant.ask("GET", f"{path}/attempts?limit=1").json()
    second = tenant.ask("GET", first["_links"]["next"]["href"]).json()
    back = tenant.ask("GET", second["_links"]["prev"]["href"]).json()

    assert [[each["attempt"] for each in body["data"]] for body in (first, second, back)] == [[1], [2], [1]]
    assert [body["pagination"]["has_more"] for body in (first, second)] == [True, False]
    assert "prev" not in first["_links"]


def test_a_cursor_of_another_executions_attempts_is_refused(tenant: Tenant) -> None:
    rule = tenant.create_rule(actions=[WEBHOOK, WEBHOOK])
    ours, others = tenant.add_failed_execution(rule), tenant.add_failed_execution(rule)
    tenant.post(f"{ours}/retry")
    cursor = tenant.ask("GET", f"{ours}/attempts?limit=1").json()["pagination"]["next_cursor"]

    problem_of(tenant.ask("GET", f"{others}/attempts?limit=1&cursor={cursor}"), 400, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_page_of_attempts_has_a_limit(tenant: Tenant, limit: str) -> None:
    path = tenant.add_failed_execution(tenant.create_rule(actions=[WEBHOOK, WEBHOOK]))

    problem_of(tenant.ask("GET", f"{path}/attempts?limit={limit}"), 400, "invalid_parameter")


def test_an_execution_is_its_first_attempt(tenant: Tenant) -> None:
    execution = tenant.execute(tenant.create_rule())

    listed = tenant.ask("GET", execution["_links"]["attempts"]["href"]).json()["data"]

    assert [(each["attempt"], each["status"]) for each in listed] == [(1, "pending")]


@pytest.mark.parametrize(("method", "suffix"), [("GET", "/attempts"), ("POST", "/cancel"), ("POST", "/retry")])
def test_absent_and_foreign_executions_are_answered_alike(
    tenant: Tenant, stranger: Tenant, method: str, suffix: str
) -> None:
    execution, headers = tenant.execute(tenant.create_rule()), {"x-request-id": "the-same"}

    absent = stranger.ask(method, f"{EXECUTIONS}/{uuid4()}{suffix}", headers)
    foreign = stranger.ask(method, f"{path_of(execution)}{suffix}", headers)

    problem_of(absent, 404, "execution_not_found")
    assert absent.content == foreign.content
    assert tenant.ask("GET", path_of(execution)).json()["data"] == execution


@pytest.mark.parametrize(("attempt", "linked"), [(100, True), (101, False)])
def test_what_was_retried_as_often_as_may_be_has_no_link_to_a_retry(tenant: Tenant, attempt: int, linked: bool) -> None:
    rule = tenant.create_rule(labels={"like": ',"attempt":101,'})
    execution = tenant.execute(rule, trigger_data={"attempt": 101, "order": 1})
    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        statement = text("UPDATE automation_executions SET attempt = :attempt WHERE execution_id = :execution")
        connection.execute(statement, {"attempt": attempt, "execution": execution["execution_id"]})

    cancelled = tenant.post(f"{path_of(execution)}/cancel").json()["data"]
    read = tenant.ask("GET", path_of(execution)).json()["data"]
    (listed,) = tenant.ask("GET", f"{EXECUTIONS}?automation_rule_id={rule['rule_id']}").json()["data"]
    retried = tenant.post(f"{path_of(execution)}/retry")

    assert (cancelled["status"], cancelled["attempt"]) == ("cancelled", attempt)
    assert ["retry" in each["_links"] for each in (cancelled, read, listed)] == [linked] * 3
    assert retried.is_success is linked
