"""Keys that a rule makes of what triggers it, from outside: what they hold back, and what is said of it."""

import json
from typing import Any

import pytest

from tests.system.problems import problem_of
from tests.system.tenancy import EVENTS, EXECUTIONS, RULES, Tenant, rule_input


def trigger(tenant: Tenant, rule: dict[str, Any], **data: Any) -> Any:
    return tenant.post(f"{RULES}/{rule['rule_id']}/execute", {"trigger_data": data})


def test_a_run_whose_key_is_pending_already_is_answered_with_that_one_and_says_so(tenant: Tenant) -> None:
    rule = tenant.create_rule(deduplication_key="order ${trigger.order}")

    first, second, other = (trigger(tenant, rule, order=order) for order in (7, 7, 8))

    assert [each.status_code for each in (first, second, other)] == [202, 200, 202]
    data = first.json()["data"]
    named = {name: data[name] for name in ("execution_id", "automation_rule_id", "status", "_links")}
    assert second.json() == {"already_pending": named}
    listed = tenant.ask("GET", EXECUTIONS, params={"automation_rule_id": rule["rule_id"]}).json()["data"]
    assert len(listed) == 2


def test_one_that_starts_nothing_leaves_no_line_in_the_audit_log(tenant: Tenant) -> None:
    rule = tenant.create_rule(deduplication_key="${trigger.order}")
    for _ in range(2):
        trigger(tenant, rule, order=7)

    lines = tenant.ask("GET", "/api/v1/audit-events", params={"action": "executeAutomationRule"}).json()["data"]

    assert len(lines) == 1


def test_a_rule_whose_keys_cannot_be_made_or_are_of_no_use_is_refused(tenant: Tenant) -> None:
    wrong = {"concurrency_key": "${execution.id}", "deduplication_key": "${trigger."}

    response = tenant.post(RULES, rule_input(**wrong))

    errors = problem_of(response, 400, "invalid_body")["errors"]
    assert {each["pointer"] for each in errors} == {"/concurrency_key", "/deduplication_key"}
    assert "is of no use without max_concurrent_executions" in {each["message"] for each in errors}
    assert "execution has no value when an execution is created: trigger and rule have" in {
        each["message"] for each in errors
    }


def test_a_secret_is_no_part_of_what_is_shown_of_executions(tenant: Tenant) -> None:
    keys = {"concurrency_key": "${secrets.TOKEN}", "deduplication_key": "a ${secrets.TOKEN}"}
    rule = rule_input(**keys, max_concurrent_executions=1, labels={"by": "${secrets.TOKEN}"})

    errors = problem_of(tenant.post(RULES, rule), 400, "invalid_body")["errors"]

    assert {each["pointer"] for each in errors} == {"/concurrency_key", "/deduplication_key", "/labels/by"}
    assert all("configs of actions" in each["message"] for each in errors)


def test_keys_are_a_part_of_every_version_and_can_be_taken_away(tenant: Tenant) -> None:
    rule = tenant.create_rule(concurrency_key="${trigger.a}", max_concurrent_executions=2, deduplication_key="all")
    patch = {"content-type": "application/merge-patch+json"}
    none = {"concurrency_key": None, "deduplication_key": None}

    without = tenant.ask("PATCH", f"{RULES}/{rule['rule_id']}", patch, json=none).json()["data"]

    first = tenant.ask("GET", f"{RULES}/{rule['rule_id']}/versions/1").json()["data"]
    assert (first["concurrency_key"], first["deduplication_key"]) == ("${trigger.a}", "all")
    assert {name: without[name] for name in none} == none


def test_one_that_is_put_off_has_the_latest_data_and_a_line_of_its_own_in_the_audit_log(tenant: Tenant) -> None:
    rule = tenant.create_rule(debounce_seconds=60)

    first, second = trigger(tenant, rule, order=1), trigger(tenant, rule, order=2)

    execution = first.json()["data"]
    shown = tenant.ask("GET", execution["_links"]["self"]["href"]).json()["data"]
    lines = tenant.ask("GET", "/api/v1/audit-events", params={"action": "executeAutomationRule"}).json()["data"]
    assert (first.status_code, second.status_code, shown["trigger_data"]) == (202, 200, {"order": 2})
    assert second.json()["already_pending"]["execution_id"] == execution["execution_id"]
    assert shown["run_at"] > execution["run_at"] > execution["created_at"]
    assert [line["resource_id"] for line in lines] == [execution["execution_id"]] * 2


@pytest.mark.parametrize("members", [{"deduplication_key": "${trigger.data.order}"}, {"debounce_seconds": 60}])
def test_events_are_skipped_and_put_off_too(tenant: Tenant, members: dict[str, Any]) -> None:
    tenant.create_rule(trigger_type="event", trigger_config={"types": ["order.paid"]}, **members)
    event = {"specversion": "1.0", "source": "/shop", "type": "order.paid", "data": {"order": 7}}
    media_type = {"content-type": "application/cloudevents+json"}

    receipts = [
        tenant.ask("POST", EVENTS, media_type, content=json.dumps({**event, "id": identifier})).json()["data"]
        for identifier in ("1", "2")
    ]

    assert len(tenant.ask("GET", EXECUTIONS).json()["data"]) == 1
    assert len({json.dumps(each, sort_keys=True).replace('"2"', '"1"') for each in receipts}) == 1
