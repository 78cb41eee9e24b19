"""The documented answers of hooks, which strangers get: asked for one by one, as those of callers with a key are."""

from typing import Any

import httpx
import pytest

from automation.domain.limits import Limit
from tests.outside.calls import TIMEOUT_SECONDS
from tests.outside.conftest import Demo
from tests.outside.long_rules import LARGE_BEFOREHAND, at_once, one_at_a_time
from tests.plain_http import PLAIN
from tests.system.problems import problem_of
from tests.system.tenancy import RULES, Tenant, rule_input

JSON = {"content-type": "application/json"}
A_WAIT = {"type": "wait", "config": {"seconds": 0.01}}


def hook_of(tenant: Tenant, **members: Any) -> str:
    """Create a rule that webhooks start, and return the path of its hook."""
    answer = tenant.post(RULES, rule_input(**{"trigger_type": "webhook", **members}))
    assert answer.status_code == httpx.codes.CREATED, answer.text
    path: str = answer.json()["hook"]["href"]
    return path


def test_the_end_of_a_run_is_the_answer_where_the_rule_wants_it(demo: Demo) -> None:
    rule = rule_input(trigger_type="webhook", trigger_config={"respond": "wait"}, actions=[A_WAIT])
    with httpx.Client(base_url=demo.base_url, **PLAIN, timeout=TIMEOUT_SECONDS) as client:
        created = client.post(RULES, json=rule, headers={"x-api-key": demo.content["keys"]["operator"]}).json()

        response = client.post(created["hook"]["href"], json={"order_id": 1042})

    assert (response.status_code, response.json()["data"]["status"]) == (200, "completed")


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "invalid_body"),
        (b" " * (1024 * 1024 + 1), JSON, 413, "content_too_large"),
        (b"order: 1042", {"content-type": "text/yaml"}, 415, "unsupported_media_type"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tenant: Tenant, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    problem_of(tenant.client.post(hook_of(tenant), content=content, headers=headers), status, code)


def test_what_is_not_signed_is_refused(tenant: Tenant) -> None:
    verification = {"type": "github", "secret": f"${{secrets.{tenant.put_secret('GITHUB')}}}"}
    path = hook_of(tenant, trigger_config={"verification": verification})

    problem_of(tenant.client.post(path, json={}), 403, "signature_invalid")


def test_what_a_rule_does_not_take_is_refused(tenant: Tenant) -> None:
    path = hook_of(tenant, input_schema={"type": "object", "properties": {"body": {"type": "string"}}})

    problem_of(tenant.client.post(path, json={"order_id": 1042}), 422, "invalid_input")


def test_a_rule_that_is_not_in_use_is_not_started(tenant: Tenant) -> None:
    problem_of(tenant.client.post(hook_of(tenant, status="inactive"), json={}), 409, "rule_not_active")


def test_more_executions_than_may_wait_are_refused(tenant: Tenant) -> None:
    path = hook_of(tenant)
    tenant.execute(tenant.create_rule())
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_PENDING: 1})

    problem_of(tenant.client.post(path, json={}), 429, "too_many_pending")


def test_rules_of_a_tenant_that_take_long_are_taken_one_at_a_time(tenant: Tenant) -> None:
    path = hook_of(tenant, **LARGE_BEFOREHAND)

    one_at_a_time(at_once(lambda _number: tenant.client.post(path, json={})))


def test_beyond_its_rate_a_tenants_hook_says_when_to_come_back(tenant: Tenant) -> None:
    path = hook_of(tenant)
    tenant.administration.set_limits(tenant.tenant, {Limit.REQUESTS_PER_MINUTE: 1})

    tenant.client.post(path, json={})
    refused = tenant.client.post(path, json={})

    problem_of(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
