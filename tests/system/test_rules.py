"""Rules, from their creation to their deletion, through the API of a service whose executions nobody runs."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.system.problems import problem_of
from tests.system.tenancy import RULES, WEBHOOK, Tenant, rule_input

UNKNOWN = UUID("c2f1a1de-6d55-4d7f-8a5e-0d7c9c0b0a11")


def path_of(rule: dict[str, Any]) -> str:
    return f"{RULES}/{rule['rule_id']}"


def pointers(response: httpx.Response) -> list[str]:
    return sorted(error["pointer"] for error in problem_of(response, 400, "invalid_body")["errors"])


def test_a_rule_is_created_with_the_defaults_for_what_was_not_said(tenant: Tenant) -> None:
    response = tenant.post(RULES, {"name": "Notify", "actions": [WEBHOOK]})

    data = response.json()["data"]
    assert response.status_code == 201
    assert response.headers["location"] == f"{RULES}/{data['rule_id']}"
    assert response.headers["etag"].startswith('"v1-')
    assert response.headers["cache-control"] == "private, no-cache"
    assert data.pop("created_at") == data.pop("updated_at")
    assert data == {
        "rule_id": data["rule_id"],
        "tenant": str(tenant.tenant),
        "version": 1,
        "name": "Notify",
        "description": None,
        "status": "draft",
        "trigger_type": "manual",
        "trigger_config": {},
        "conditions": [],
        "condition_logic": "and",
        "actions": [{**WEBHOOK, "continue_on_error": False, "timeout_seconds": 30, "retry_attempts": 0}],
        "execution_timeout_seconds": 3600,
        "max_concurrent_executions": None,
        "concurrency_policy": "queue",
        "labels": {},
        "priority": 0,
        "input_schema": None,
        "concurrency_key": None,
        "deduplication_key": None,
        "debounce_seconds": None,
        "created_by": str(tenant.user),
        "next_fire_at": None,
        "_links": {
            "self": {"href": f"{RULES}/{data['rule_id']}"},
            "versions": {"href": f"{RULES}/{data['rule_id']}/versions"},
        },
    }


def test_a_rule_is_where_its_location_says(tenant: Tenant) -> None:
    created = tenant.post(RULES, rule_input())

    found = tenant.ask("GET", created.headers["location"])

    assert found.status_code == 200
    assert found.json() == created.json()
    assert found.headers["etag"] == created.headers["etag"]


def test_a_rule_that_the_client_has_is_not_sent_again(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    etag = tenant.ask("GET", path_of(rule)).headers["etag"]

    response = tenant.ask("GET", path_of(rule), {"if-none-match": etag})

    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)


def test_only_an_active_rule_has_a_link_to_run_it(tenant: Tenant) -> None:
    active, draft = tenant.create_rule(), tenant.create_rule(status="draft")

    assert active["_links"]["execute"] == {"href": f"{path_of(active)}/execute", "method": "POST"}
    assert "execute" not in draft["_links"]


def test_a_change_makes_a_new_version(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    response = tenant.ask("PUT", path_of(rule), json=rule_input(name="Tell the warehouse", status="inactive"))

    data = response.json()["data"]
    assert response.status_code == 200
    assert response.headers["etag"].startswith('"v2-')
    assert (data["version"], data["name"], data["status"]) == (2, "Tell the warehouse", "inactive")
    assert (data["created_at"], data["created_by"]) == (rule["created_at"], rule["created_by"])
    assert data["updated_at"] > rule["updated_at"]
    assert tenant.ask("GET", path_of(rule)).json()["data"] == data


def test_what_a_change_does_not_say_becomes_the_default_again(tenant: Tenant) -> None:
    rule = tenant.create_rule(description="Of orders.", max_concurrent_executions=3)

    data = tenant.ask("PUT", path_of(rule), json=rule_input()).json()["data"]

    assert (data["description"], data["max_concurrent_executions"]) == (None, None)


@pytest.mark.parametrize("if_match", ["{etag}", "*", '"v7",, {etag} ,'])
def test_a_change_of_the_version_that_was_read_is_made(tenant: Tenant, if_match: str) -> None:
    rule = tenant.create_rule()
    named = if_match.replace("{etag}", tenant.ask("GET", path_of(rule)).headers["etag"])

    response = tenant.ask("PUT", path_of(rule), {"if-match": named}, json=rule_input(name="In time"))

    assert response.json()["data"]["version"] == 2


@pytest.mark.parametrize("if_match", ['"v2"', '"v1"', 'W/"v1"', ""])
def test_a_change_of_another_version_is_refused(tenant: Tenant, if_match: str) -> None:
    rule = tenant.create_rule()

    response = tenant.ask("PUT", path_of(rule), {"if-match": if_match}, json=rule_input(name="Too late"))

    problem_of(response, 412, "precondition_failed")
    assert tenant.ask("GET", path_of(rule)).json()["data"] == rule


def test_a_deleted_rule_can_be_read_and_nothing_else(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    before = tenant.ask("GET", path_of(rule)).headers["etag"]

    deleted, again = tenant.ask("DELETE", path_of(rule)), tenant.ask("DELETE", path_of(rule))

    found = tenant.ask("GET", path_of(rule), {"if-none-match": before})
    data = found.json()["data"]
    assert (deleted.status_code, deleted.content, again.status_code) == (204, b"", 204)
    assert found.status_code == 200
    assert found.headers["etag"] != before
    assert (data["version"], data["status"], data["_links"].keys()) == (1, "active", {"self", "versions"})
    assert data["deleted_at"] >= rule["created_at"]
    problem_of(tenant.ask("PUT", path_of(rule), json=rule_input()), 409, "rule_deleted")
    problem_of(tenant.post(f"{path_of(rule)}/execute"), 409, "rule_deleted")
    problem_of(tenant.post(f"{path_of(rule)}/execute", {"dry_run": True}), 409, "rule_deleted")


def test_a_rule_with_an_execution_that_has_not_finished_is_not_deleted(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    execution = tenant.execute(rule)

    refused = tenant.ask("DELETE", path_of(rule))
    tenant.post(execution["_links"]["cancel"]["href"])

    problem_of(refused, 409, "rule_in_use")
    assert tenant.ask("DELETE", path_of(rule)).status_code == 204


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"name": ""}, ["/name"]),
        ({"trigger_config": None}, ["/trigger_config"]),
        ({"trigger_type": "telepathy"}, ["/trigger_type"]),
        ({"colour": "red"}, ["/colour"]),
        ({"actions": []}, ["/actions"]),
        ({"actions": [{**WEBHOOK, "retry_attempts": 6}]}, ["/actions/0/retry_attempts"]),
        ({"conditions": [{"field": "a", "operator": "resembles"}]}, ["/conditions/0/operator"]),
        ({"actions": [WEBHOOK, {"type": "dance", "config": {}}]}, ["/actions/1/type"]),
        (
            {
                "actions": [{"type": "webhook_call", "config": {"url": "ftp://example.com", "text": "${nothing}"}}],
                "conditions": [{"field": "trigger.name", "operator": "regex_match", "value": "(?=a)"}],
                "trigger_config": {"cron": "* * * * *"},
            },
            [
                "/actions/0/config/text",
                "/actions/0/config/url",
                "/conditions/0/value",
                "/trigger_config/cron",
            ],
        ),
    ],
)
def test_a_rule_that_could_not_be_run_is_refused_and_told_where(
    tenant: Tenant, members: dict[str, Any], found: list[str]
) -> None:
    rule = tenant.create_rule()

    created = tenant.post(RULES, rule_input(**members))
    changed = tenant.ask("PUT", path_of(rule), json=rule_input(**members))

    assert pointers(created) == pointers(changed) == found


def test_only_the_engine_says_that_a_rule_is_in_error(tenant: Tenant) -> None:
    rule = tenant.create_rule()

    created = tenant.post(RULES, rule_input(status="error"))
    changed = tenant.ask("PUT", path_of(rule), json=rule_input(name="Changed", status="error"))

    assert pointers(created) == ["/status"]
    assert changed.json()["data"]["status"] == rule["status"]


def test_a_body_of_64_kib_is_the_largest(tenant: Tenant) -> None:
    def body(size: int) -> bytes:
        return b'{"name":"Long","actions":[{"type":"wait","config":{"seconds":1}}]}'.ljust(size)

    largest = tenant.ask("POST", RULES, {"content-type": "application/json"}, content=body(65_536))
    larger = tenant.ask("POST", RULES, {"content-type": "application/json"}, content=body(65_537))

    assert largest.status_code == 201
    problem_of(larger, 413, "content_too_large")


def test_a_body_that_is_not_json_is_refused(tenant: Tenant) -> None:
    response = tenant.ask("POST", RULES, {"content-type": "text/yaml"}, content=b"name: Notify")

    problem_of(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "suffix", "json"),
    [
        ("GET", "", None),
        ("PUT", "", rule_input()),
        ("DELETE", "", None),
        ("POST", "/execute", {}),
        ("POST", "/execute", {"dry_run": True}),
    ],
)
def test_absent_and_foreign_rules_are_answered_alike(
    tenant: Tenant, stranger: Tenant, method: str, suffix: str, json: Any
) -> None:
    rule = tenant.create_rule()
    options, headers = ({} if json is None else {"json": json}), {"x-request-id": "the-same"}

    absent = stranger.ask(method, f"{RULES}/{uuid4()}{suffix}", headers, **options)
    foreign = stranger.ask(method, f"{path_of(rule)}{suffix}", headers, **options)

    problem_of(absent, 404, "rule_not_found")
    assert absent.content == foreign.content
    assert tenant.ask("GET", path_of(rule)).json()["data"] == rule


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (RULES, "GET, HEAD, POST"),
        (f"{RULES}/{UNKNOWN}", "DELETE, GET, HEAD, PATCH, PUT"),
        (f"{RULES}/{UNKNOWN}/execute", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(tenant: Tenant, path: str, allowed: str) -> None:
    response = tenant.ask("OPTIONS", path)

    problem_of(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed


def test_patches_at_the_same_moment_are_all_made_where_none_says_what_it_is_meant_for(tenant: Tenant) -> None:
    rule = tenant.create_rule(actions=[{**WEBHOOK, "config": {**WEBHOOK["config"], "headers": {"x-api-key": "mine"}}}])
    names = [f"label{number}" for number in range(8)]
    merge_patch = {"content-type": "application/merge-patch+json"}

    def label(name: str) -> httpx.Response:
        return tenant.ask("PATCH", path_of(rule), merge_patch, json={"labels": {name: "set"}})

    with ThreadPoolExecutor(len(names)) as clients:
        answers = list(clients.map(label, names))

    assert [answer.status_code for answer in answers] == [200] * len(names)
    assert tenant.ask("GET", path_of(rule)).json()["data"]["labels"] == dict.fromkeys(names, "set")
