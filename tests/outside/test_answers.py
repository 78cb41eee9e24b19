"""The documented answers that chance can't be trusted to find, asked for one by one."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from automation.contract.document.naming import HOOK_TOKEN
from automation.contract.document.outline import Entry
from automation.domain.limits import Limit
from automation.domain.permissions import Role
from automation.engine.rules.tenant_turns import MOST_WAITING
from automation.storage.bulk_changes import MOST
from tests.outside.calls import AN_EVENT, TIMEOUT_SECONDS, successful
from tests.outside.conftest import Demo
from tests.outside.long_rules import AT_ONCE, LARGE, LARGE_BEFOREHAND, at_once, one_at_a_time
from tests.plain_http import PLAIN
from tests.shipped_contract.shipped import ENTRIES, examples, responses
from tests.system.many_executions import failed
from tests.system.problems import problem_of
from tests.system.processes import serving
from tests.system.tenancy import EXECUTIONS, RULES, SECRETS, WEBHOOK, Tenant, rule_input
from tests.system.writes import MAKERS, new_key, other, write

CONTRACTS = ["/api/v1/openapi.json", "/api/v1/openapi.yaml"]
PATIENCE_SECONDS = 60
JSON = {"content-type": "application/json"}


def documenting(status: int, *, secured: bool = True) -> pytest.MarkDecorator:
    """Return what asks every operation that documents a status, the public ones among them unless secured; no hook."""
    entries = [
        entry
        for entry in ENTRIES
        if status in responses(entry)
        and HOOK_TOKEN not in entry.node
        and (not secured or "x-required-permission" in entry.node)
    ]
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def documenting_code(status: int, code: str) -> pytest.MarkDecorator:
    """Return what asks every operation that documents a problem; of hooks, test_hook_answers.py does."""
    entries = [entry for entry in ENTRIES if code in codes(entry, status) and HOOK_TOKEN not in entry.node]
    assert entries, f"no operation documents {code}"
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def codes(entry: Entry, status: int) -> set[str]:
    """Return the codes of the problems that an operation documents for a status."""
    content = responses(entry).get(status, {}).get("content", {})
    return {example["code"] for media_type in content.values() for example in examples(media_type)}


def path_of(entry: Entry) -> str:
    """Return an operation's path, with an id that nothing has."""
    return entry.path.replace("{id}", str(uuid4())).replace("{version}", "1").replace("{name}", f"S{uuid4().hex}")


def found(entry: Entry, tenant: Tenant) -> str:
    """Return an operation's path, with the id of something that is made for it."""
    made = MAKERS[entry.path.partition("/{id}")[0]][0](tenant) if "{id}" in entry.path else ""
    return entry.path.replace("{id}", made).replace("{version}", "1")


def media_type_of(entry: Entry) -> str:
    """Return the first media type of an operation's body."""
    return str(next(iter(entry.node["requestBody"]["content"])))


def ask(tenant: Tenant, entry: Entry, headers: Mapping[str, str] | None = None, **options: Any) -> httpx.Response:
    """Ask an operation for something that isn't there."""
    return tenant.ask(entry.method, path_of(entry), headers, **options)


def test_every_operation_succeeds(tenant: Tenant) -> None:
    answers = {
        name: call.send(str(tenant.client.base_url), tenant.key).status_code
        for name, call in successful(tenant).items()
    }

    assert [name for name, status in answers.items() if not httpx.codes.is_success(status)] == []


@documenting(400, secured=False)
def test_an_unknown_parameter_is_refused(tenant: Tenant, entry: Entry) -> None:
    response = ask(tenant, entry, params={"nothing": "1"})

    problem_of(response, 400, "invalid_parameter")


@documenting(401)
def test_without_a_key_nothing_is_told(tenant: Tenant, entry: Entry) -> None:
    response = tenant.client.request(entry.method, path_of(entry))

    problem_of(response, 401, "api_key_missing")


@documenting(403)
def test_without_its_permission_nothing_is_done(tenant: Tenant, entry: Entry) -> None:
    key = tenant.add_key(Role.NONE)

    response = ask(tenant, entry, {"x-api-key": key})

    problem_of(response, 403, "permission_denied")


@documenting(404)
def test_what_is_not_there_is_not_found(tenant: Tenant, entry: Entry) -> None:
    required = entry.node.get("requestBody", {}).get("required", False)
    body = {"headers": {"content-type": media_type_of(entry)}, "json": rule_input()} if required else {}

    response = ask(tenant, entry, **body)

    assert response.status_code == 404


@documenting(413)
def test_a_body_that_is_too_large_is_refused(tenant: Tenant, entry: Entry) -> None:
    largest: int = entry.node.get("x-max-body-bytes", 65_536)

    response = ask(tenant, entry, JSON, content=b" " * (largest + 1))

    problem_of(response, 413, "content_too_large")


@documenting(415)
def test_a_body_that_is_not_json_is_refused(tenant: Tenant, entry: Entry) -> None:
    response = ask(tenant, entry, {"content-type": "text/yaml"}, content=b"name: Notify")

    problem_of(response, 415, "unsupported_media_type")


@documenting_code(429, "too_many_pending")
def test_more_executions_than_may_wait_are_refused(tenant: Tenant, entry: Entry) -> None:
    refused = write(entry, tenant)
    tenant.create_rule(trigger_type="event", trigger_config={"types": [AN_EVENT["type"]]})
    tenant.execute(tenant.create_rule())
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_PENDING: 1})

    problem = refused.send()

    problem_of(problem, 429, "too_many_pending")
    assert int(problem.headers["retry-after"]) >= 1


@documenting_code(429, "too_many_checks")
def test_large_rules_of_a_tenant_are_taken_one_at_a_time(tenant: Tenant, entry: Entry) -> None:
    large = rule_input(actions=[{**WEBHOOK, "config": {**WEBHOOK["config"], "json": LARGE}}])
    rule = tenant.create_rule(actions=large["actions"])
    publishes = entry.name == "publishAutomationEvent"
    for _ in range(5 * publishes):
        tenant.create_rule(**LARGE_BEFOREHAND, trigger_type="event", trigger_config={"types": [AN_EVENT["type"]]})
    path = entry.path.replace("{id}", rule["rule_id"])
    headers = {"content-type": media_type_of(entry)}

    def send(_number: int) -> httpx.Response:
        bodies = {"executeAutomationRule": {"dry_run": True}, "publishAutomationEvent": {**AN_EVENT, "id": new_key()}}
        content = json.dumps(bodies.get(entry.name, large))
        return tenant.ask(entry.method, path, headers, content=content, timeout=TIMEOUT_SECONDS)

    answers = at_once(send, 2 * MOST_WAITING if publishes else AT_ONCE)  # some publications wait for their turn

    one_at_a_time(answers)


@documenting_code(429, "rate_limited")
def test_beyond_its_rate_a_tenant_is_told_when_to_come_back(tenant: Tenant, entry: Entry) -> None:
    tenant.administration.set_limits(tenant.tenant, {Limit.REQUESTS_PER_MINUTE: 1})

    ask(tenant, entry)
    refused = ask(tenant, entry)

    problem_of(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60


@documenting_code(409, "idempotency_in_flight")
def test_a_write_is_not_done_beside_itself(tenant: Tenant, entry: Entry) -> None:
    request, key = write(entry, tenant), new_key()

    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        named = {"tenant": tenant.tenant, "user": tenant.user, "key": key.strip('"')}
        connection.execute(text("SELECT claim_idempotency_key_v1(:tenant, :user, :key)"), named)
        beside = request.send(key)

    problem_of(beside, 409, "idempotency_in_flight")


@documenting_code(422, "idempotency_key_reused")
def test_a_key_of_another_request_is_refused(tenant: Tenant, entry: Entry) -> None:
    request, key = write(entry, tenant), new_key()
    request.send(key)

    problem_of(other(entry, request).send(key), 422, "idempotency_key_reused")


@documenting(304, secured=False)
def test_what_the_client_has_is_not_sent_again(tenant: Tenant, entry: Entry) -> None:
    path = found(entry, tenant)
    etag = tenant.ask("GET", path).headers["etag"]

    assert tenant.ask("GET", path, {"if-none-match": etag}).status_code == 304


def test_a_contract_that_is_withheld_is_not_found(settings: Mapping[str, str]) -> None:
    with serving({**settings, "AUTOMATION_PUBLISH_CONTRACT": "false"}) as process:
        answers = [httpx.get(process.base_url + path, **PLAIN, timeout=TIMEOUT_SECONDS) for path in CONTRACTS]

    for answer in answers:
        problem_of(answer, 404, "not_found")


@documenting(412, secured=False)
def test_what_is_meant_for_another_version_is_refused(tenant: Tenant, entry: Entry) -> None:
    path = found(entry, tenant)
    body = {"json": rule_input()} if "requestBody" in entry.node else {}
    headers = {"if-match": '"v2"', **({"content-type": media_type_of(entry)} if body else {})}

    response = tenant.ask(entry.method, path, headers, **body)

    problem_of(response, 412, "precondition_failed")


@documenting_code(409, "rule_deleted")
def test_a_deleted_rule_is_not_changed_or_run(tenant: Tenant, entry: Entry) -> None:
    rule = tenant.create_rule()
    execution = tenant.add_failed_execution(rule)
    tenant.ask("DELETE", f"{RULES}/{rule['rule_id']}")
    retries = entry.name == "retryAutomationExecution"
    path = f"{execution}/retry" if retries else entry.path.replace("{id}", rule["rule_id"])
    body = {"json": rule_input()} if entry.node.get("requestBody", {}).get("required", False) else {}

    response = tenant.ask(entry.method, path, {"content-type": media_type_of(entry)} if body else None, **body)

    problem_of(response, 409, "rule_deleted")


def test_a_rule_in_use_is_not_deleted(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    tenant.execute(rule)

    problem_of(tenant.ask("DELETE", f"{RULES}/{rule['rule_id']}"), 409, "rule_in_use")


def test_a_secret_is_replaced_and_not_deleted_while_a_rule_names_it(tenant: Tenant) -> None:
    path = f"{SECRETS}/{tenant.put_secret('TOKEN')}"
    tenant.create_rule(actions=[{"type": "webhook_call", "config": {"url": "${secrets.TOKEN}"}}])

    replaced = tenant.ask("PUT", path, json={"value": "another value"})

    assert replaced.status_code == 200
    problem_of(tenant.ask("DELETE", path), 409, "secret_in_use")


def test_no_more_secrets_are_kept_than_a_tenant_may_have(tenant: Tenant) -> None:
    tenant.put_secret("TOKEN")
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_SECRETS: 1})

    problem_of(tenant.ask("PUT", f"{SECRETS}/OTHER", json={"value": "another value"}), 409, "secrets_exhausted")


def test_a_draft_is_planned_and_not_run(tenant: Tenant) -> None:
    path = f"{RULES}/{tenant.create_rule(status='draft')['rule_id']}/execute"

    planned, run = tenant.post(path, {"dry_run": True}), tenant.post(path)

    assert planned.status_code == 200
    problem_of(run, 409, "rule_not_active")


def test_an_execution_that_came_to_no_bad_end_is_not_retried(tenant: Tenant) -> None:
    execution = tenant.execute(tenant.create_rule())

    problem_of(tenant.post(f"{execution['_links']['self']['href']}/retry"), 409, "execution_not_retriable")


def test_an_execution_that_has_finished_is_not_cancelled(tenant: Tenant) -> None:
    path = tenant.add_failed_execution(tenant.create_rule())

    problem_of(tenant.post(f"{path}/cancel"), 409, "execution_finished")


@pytest.mark.parametrize("action", ["retry", "cancel", "delete"])
def test_more_executions_than_one_request_changes_become_an_operation(tenant: Tenant, action: str) -> None:
    response = tenant.post(f"{EXECUTIONS}/{action}", {"filter": failed(tenant, MOST + 1)})

    assert (response.status_code, response.json()["data"]["status"]) == (202, "pending")


def test_the_cancellation_of_a_running_execution_is_accepted(demo: Demo) -> None:
    call = {"method": "POST", "url": f"{demo.content['receiver']}/slow"}
    slow = {"type": "webhook_call", "timeout_seconds": 60, "config": call}
    with httpx.Client(base_url=demo.base_url, **PLAIN, timeout=TIMEOUT_SECONDS) as client:
        client.headers["x-api-key"] = demo.content["keys"]["operator"]
        rule = client.post(RULES, json=rule_input(actions=[slow])).json()["data"]
        execution = client.post(rule["_links"]["execute"]["href"]).json()["data"]["_links"]
        wait_until_running(client, execution["self"]["href"])

        response = client.post(execution["cancel"]["href"])

    assert (response.status_code, response.json()["data"]["status"]) == (202, "running")


def wait_until_running(client: httpx.Client, path: str) -> None:
    """Wait until a worker has begun with an execution."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while client.get(path).json()["data"]["status"] != "running":
        assert time.monotonic() < deadline, "no worker began with the execution"
        time.sleep(0.1)
