"""Input schemas of rules, from outside: whatever triggers a rule is held to its own before anything is stored."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, RULES, WEBHOOK, Tenant, rule_input

SCHEMA = {"required": ["total"], "properties": {"total": {"type": "number"}}}
WRONG = {"trigger_data": {"total": "much"}}
ERRORS = [{"message": "must be a number", "pointer": "/trigger_data/total"}]


def path_of(rule: dict[str, Any]) -> str:
    return f"{RULES}/{rule['rule_id']}"


def change(tenant: Tenant, rule: dict[str, Any], **members: Any) -> dict[str, Any]:
    response = tenant.ask("PUT", path_of(rule), json=rule_input(actions=[WEBHOOK, WEBHOOK], **members))
    changed: dict[str, Any] = response.json()["data"]
    return changed


def test_what_is_not_as_the_schema_says_is_refused_and_nothing_is_stored(tenant: Tenant) -> None:
    rule = tenant.create_rule(input_schema=SCHEMA, labels={"order": "${trigger.total}"})

    refused = [tenant.post(f"{path_of(rule)}/execute", body) for body in (WRONG, {**WRONG, "dry_run": True}, None)]

    assert [problem_of(each, 422, "invalid_input")["errors"] for each in refused[:2]] == [ERRORS, ERRORS]
    assert problem_of(refused[2], 422, "invalid_input")["errors"][0]["message"] == "is required"
    assert tenant.ask("GET", EXECUTIONS, params={"automation_rule_id": rule["rule_id"]}).json()["data"] == []


def test_what_is_as_the_schema_says_is_run_with_the_rules_labels(tenant: Tenant) -> None:
    rule = tenant.create_rule(input_schema=SCHEMA, labels={"order": "${trigger.total}", "env": "prod"})

    execution = tenant.execute(rule, trigger_data={"total": 5})

    assert (execution["trigger_data"], execution["labels"]) == ({"total": 5}, {"order": "5", "env": "prod"})


def test_a_retry_with_other_data_is_held_to_the_version_that_it_runs(tenant: Tenant) -> None:
    rule = tenant.create_rule(actions=[WEBHOOK, WEBHOOK], input_schema=SCHEMA)
    path = tenant.add_failed_execution(rule)
    change(tenant, rule, input_schema=None)

    refused = tenant.post(f"{path}/retry", WRONG)
    latest = tenant.post(f"{path}/retry", {**WRONG, "rule_version": "latest"})

    assert problem_of(refused, 422, "invalid_input")["errors"] == ERRORS
    assert (latest.status_code, latest.json()["data"]["trigger_data"]) == (200, WRONG["trigger_data"])


def test_a_retry_with_the_latest_version_is_held_to_it_with_the_data_that_there_are(tenant: Tenant) -> None:
    rule = tenant.create_rule(actions=[WEBHOOK, WEBHOOK])
    path = tenant.add_failed_execution(rule)
    change(tenant, rule, input_schema={"required": ["nobody_sent_this"]})

    refused = tenant.post(f"{path}/retry", {"from": "start", "rule_version": "latest"})
    many = tenant.post(f"{EXECUTIONS}/retry", {"ids": [path.rpartition("/")[2]], "rule_version": "latest"})
    original = tenant.post(f"{path}/retry", {"from": "start"})

    (error,) = problem_of(refused, 422, "invalid_input")["errors"]
    assert error == {"message": "is required", "pointer": "/trigger_data/nobody_sent_this"}
    assert many.json()["data"]["results"][0]["code"] == "invalid_input"
    assert original.status_code == 200


@pytest.mark.parametrize("schema", [{"pattern": "(?=a)"}, {"$ref": "https://example.com/"}, {"type": 1}])
def test_a_rule_whose_schema_cannot_be_asked_is_refused_with_its_place(tenant: Tenant, schema: Any) -> None:
    response = tenant.ask("POST", RULES, json=rule_input(input_schema={"properties": {"a": schema}}))

    (error,) = problem_of(response, 400, "invalid_body")["errors"]
    assert error["pointer"] == f"/input_schema/properties/a/{next(iter(schema))}"


def test_a_schema_is_a_part_of_every_version_and_can_be_taken_away(tenant: Tenant) -> None:
    rule = tenant.create_rule(input_schema=SCHEMA)
    patch = {"content-type": "application/merge-patch+json"}

    without = tenant.ask("PATCH", path_of(rule), patch, json={"input_schema": None}).json()["data"]

    first = tenant.ask("GET", f"{path_of(rule)}/versions/1").json()["data"]
    versions = tenant.ask("GET", f"{path_of(rule)}/versions").json()["data"]
    assert (rule["input_schema"], first["input_schema"], without["input_schema"]) == (SCHEMA, SCHEMA, None)
    assert versions[0]["changed"] == ["input_schema"]


def test_the_document_of_a_rule_is_valid_known_by_its_tag_and_another_one_after_a_change(tenant: Tenant) -> None:
    rule = tenant.create_rule(input_schema=SCHEMA)

    first = tenant.ask("GET", f"{path_of(rule)}/openapi.json")
    known = {"if-none-match": first.headers["etag"]}
    again = tenant.ask("GET", f"{path_of(rule)}/openapi.json", known)
    change(tenant, rule, input_schema={"type": "object"})
    changed = tenant.ask("GET", f"{path_of(rule)}/openapi.json", known)

    assert list(OpenAPIV31SpecValidator(first.json()).iter_errors()) == []
    assert first.json()["components"]["schemas"]["TriggerData"] == SCHEMA
    assert (again.status_code, changed.status_code) == (304, 200)
    assert changed.json()["components"]["schemas"]["TriggerData"] == {"type": "object"}


def test_the_document_of_another_tenants_rule_is_not_found(tenant: Tenant, stranger: Tenant) -> None:
    rule = stranger.create_rule()

    problem_of(tenant.ask("GET", f"{path_of(rule)}/openapi.json"), 404, "rule_not_found")


def test_what_is_sent_to_a_hook_is_held_to_the_schema_too(tenant: Tenant) -> None:
    schema = {"properties": {"body": {"required": ["total"]}}}
    created = tenant.post(RULES, rule_input(trigger_type="webhook", input_schema=schema)).json()
    hook, rule = created["hook"]["href"], created["data"]["rule_id"]

    refused = tenant.client.post(hook, json={})
    taken = tenant.client.post(hook, json={"total": 1})

    problem = problem_of(refused, 422, "invalid_input")
    assert problem["errors"] == [{"message": "is required", "pointer": "/total"}]
    assert rule in problem["detail"]
    assert taken.status_code == 202


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"properties": {"query": {"properties": {"page": {"maxLength": 1}}}}}, {"parameter": "page"}),
        ({"properties": {"headers": {"properties": {"x-kind": {"const": "b"}}}}}, {"parameter": "x-kind"}),
        ({"properties": {"method": {"const": "PUT"}}}, {"pointer": ""}),
        ({"properties": {"body": {"type": "array"}}}, {"pointer": ""}),
    ],
)
def test_what_is_wrong_beside_the_body_of_a_delivery_is_named(
    tenant: Tenant, schema: dict[str, Any], where: dict[str, str]
) -> None:
    config = {"headers": ["X-Kind"]}
    created = tenant.post(RULES, rule_input(trigger_type="webhook", trigger_config=config, input_schema=schema)).json()

    refused = tenant.client.post(f"{created['hook']['href']}?page=12", json={}, headers={"x-kind": "a"})

    (error,) = problem_of(refused, 422, "invalid_input")["errors"]
    assert {name: each for name, each in error.items() if name != "message"} == where
