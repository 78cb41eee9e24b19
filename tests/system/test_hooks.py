"""Hooks: other systems start rules by a token in the path, and whoever has none finds nothing there."""

import hmac
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from automation.domain.limits import Limit
from automation.engine.triggers.waiting import MOST_OF_A_TENANT
from automation.storage.accounts.administration import Administration
from tests.databases import Cluster
from tests.system.problems import problem_of
from tests.system.processes import serving
from tests.system.tenancy import EXECUTIONS, RULES, SECRETS, Tenant, judging_client, new_tenant, rule_input

HOOKS = "/api/v1/automation/hooks"
VALUE = "a value of a secret"


def hooked(tenant: Tenant, **config: Any) -> dict[str, Any]:
    """Create a rule that webhooks start, and return the whole answer."""
    return tenant.create_hooked_rule(**config)


def deliver(tenant: Tenant, created: dict[str, Any], **options: Any) -> httpx.Response:
    """Send something to a hook, as a stranger does: without a key."""
    return tenant.client.post(created["hook"]["href"], **options)


def started(tenant: Tenant, response: httpx.Response) -> dict[str, Any]:
    """Return the execution that a delivery has started."""
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    found = tenant.ask("GET", response.headers["location"])
    execution: dict[str, Any] = found.json()["data"]
    assert execution["execution_id"] == response.json()["data"]["execution_id"]
    return execution


def test_the_token_is_shown_by_the_answer_that_makes_the_rule_and_by_no_other(tenant: Tenant) -> None:
    created = hooked(tenant)
    path = f"{RULES}/{created['data']['rule_id']}"

    read = tenant.ask("GET", path)
    replaced = tenant.ask("PUT", path, json=rule_input(trigger_type="webhook", name="Another name"))

    assert created["hook"]["href"] == f"{HOOKS}/{created['hook']['token']}"
    assert len(created["hook"]["token"]) == len("hook_") + 43
    assert all(created["hook"]["token"] not in answer.text for answer in (read, replaced))
    assert all("hook" not in answer.json() for answer in (read, replaced))


def test_json_that_is_delivered_starts_a_run_with_it(tenant: Tenant) -> None:
    created = hooked(tenant, headers=["X-GitHub-Event", "User-Agent"])
    content = b'{"order_id": 1042, "total": 12.50, "huge": 123456789012345678901234567890}'

    execution = started(
        tenant,
        tenant.client.post(
            f"{created['hook']['href']}?source=shop&tag=a&tag=b",
            content=content,
            headers={"content-type": "application/json", "x-github-event": "push", "user-agent": "Shop/1"},
        ),
    )

    assert execution["automation_rule_id"] == created["data"]["rule_id"]
    assert execution["triggered_by"] == {"type": "webhook"}
    assert execution["trigger_data"] == {
        "body": {"order_id": 1042, "total": 12.5, "huge": 123456789012345678901234567890},
        "headers": {"x-github-event": "push", "user-agent": "Shop/1"},
        "method": "POST",
        "query": {"source": "shop", "tag": ["a", "b"]},
    }


def test_digits_are_kept_as_they_came(tenant: Tenant) -> None:
    created = hooked(tenant)

    response = deliver(tenant, created, content=b'{"total": 12.50}', headers={"content-type": "application/json"})

    assert '"total": 12.50' in tenant.ask("GET", response.headers["location"]).text


@pytest.mark.parametrize("token", ["hook_" + "a" * 43, "hook_short", "anything", "%00", "%ff"])
def test_an_unknown_token_is_answered_like_an_unknown_path(tenant: Tenant, token: str) -> None:
    unknown = tenant.client.post(f"{HOOKS}/{token}", content=b"{", headers={"content-type": "text/html"})
    nowhere = tenant.client.post("/api/v1/automation/nowhere", content=b"{", headers={"content-type": "text/html"})

    told = [{**each.json(), "instance": "", "request_id": ""} for each in (unknown, nowhere)]
    assert told[0] == told[1]
    assert unknown.headers.keys() == nowhere.headers.keys()


def test_another_tenants_executions_are_not_found(tenant: Tenant, stranger: Tenant) -> None:
    response = deliver(tenant, hooked(tenant), json={})

    problem_of(stranger.ask("GET", response.headers["location"]), 404, "execution_not_found")


def test_a_hook_is_gone_when_a_webhook_starts_the_rule_no_longer_and_another_one_when_it_does_again(
    tenant: Tenant,
) -> None:
    created = hooked(tenant)
    path = f"{RULES}/{created['data']['rule_id']}"

    tenant.ask("PUT", path, json=rule_input(trigger_type="manual"))
    gone = deliver(tenant, created, json={})
    again = tenant.ask("PUT", path, json=rule_input(trigger_type="webhook")).json()

    problem_of(gone, 404, "not_found")
    assert again["hook"]["token"] != created["hook"]["token"]
    problem_of(deliver(tenant, created, json={}), 404, "not_found")
    assert started(tenant, deliver(tenant, again, json={"order_id": 1}))["trigger_data"]["body"] == {"order_id": 1}


def test_the_hook_of_a_deleted_rule_is_gone(tenant: Tenant) -> None:
    created = hooked(tenant)

    tenant.ask("DELETE", f"{RULES}/{created['data']['rule_id']}")

    problem_of(deliver(tenant, created, json={}), 404, "not_found")


def test_the_hook_of_a_rule_that_is_not_in_use_refuses(tenant: Tenant) -> None:
    created = hooked(tenant)
    tenant.ask(
        "PATCH",
        f"{RULES}/{created['data']['rule_id']}",
        {"content-type": "application/merge-patch+json"},
        content=b'{"status": "inactive"}',
    )

    problem_of(deliver(tenant, created, json={}), 409, "rule_not_active")

    assert tenant.ask("GET", EXECUTIONS).json()["data"] == []


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"a": 1, "a": 2}', b"\xff", b"[" * 65 + b"]" * 65, b"[" + b"{}," * 50_000 + b"{}]"],
    ids=["grammar", "twice", "encoding", "depth", "values"],
)
def test_what_is_not_strict_json_is_refused(tenant: Tenant, content: bytes) -> None:
    answer = deliver(tenant, hooked(tenant), content=content, headers={"content-type": "application/json"})

    problem_of(answer, 400, "invalid_body")


@pytest.mark.parametrize(
    ("media_type", "content", "body"),
    [
        ("text/plain", "Ünd\n", "Ünd\n"),
        ("application/x-www-form-urlencoded", "a=1&b=x+%C3%A4&a=2&c=", {"a": ["1", "2"], "b": "x ä", "c": ""}),
        ("application/json", "null", None),
        ("application/json", '["a", 1e2]', ["a", 100.0]),
        ("text/plain", "", None),
    ],
)
def test_text_forms_and_json_become_the_triggers_body(
    tenant: Tenant, media_type: str, content: str, body: object
) -> None:
    answer = deliver(tenant, hooked(tenant), content=content.encode(), headers={"content-type": media_type})

    assert started(tenant, answer)["trigger_data"]["body"] == body


@pytest.mark.parametrize(
    ("media_type", "content", "status"),
    [
        ("text/plain", b"\xff", 400),
        ("application/x-www-form-urlencoded", b"a=%ff", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(1001)), 400),
        ("application/xml", b"<order/>", 415),
        ("application/json", b'"%s"' % (b"x" * 1024 * 1024), 413),
    ],
    ids=["text", "form", "fields", "xml", "size"],
)
def test_what_cannot_be_read_is_refused(tenant: Tenant, media_type: str, content: bytes, status: int) -> None:
    answer = deliver(tenant, hooked(tenant), content=content, headers={"content-type": media_type})

    assert answer.status_code == status


def test_a_body_of_one_mebibyte_is_taken(tenant: Tenant) -> None:
    content = b'"%s"' % (b"x" * (1024 * 1024 - 2))

    answer = deliver(tenant, hooked(tenant), content=content, headers={"content-type": "application/json"})

    assert len(started(tenant, answer)["trigger_data"]["body"]) == 1024 * 1024 - 2


def test_a_rotated_token_and_the_one_before_are_taken_until_that_ends(tenant: Tenant) -> None:
    created = hooked(tenant)
    place = f"{RULES}/{created['data']['rule_id']}/hook/rotate"

    second = tenant.post(place, {"overlap_seconds": 600}).json()
    both = [deliver(tenant, each, json={}).status_code for each in (created, second)]
    third = tenant.post(place, {"overlap_seconds": 0}).json()
    last = [deliver(tenant, each, json={}).status_code for each in (created, second, third)]

    assert second["data"]["rule_id"] == created["data"]["rule_id"]
    assert both == [202, 202]
    assert last == [404, 404, 202]


def test_the_oldest_token_ends_with_the_second_rotation_whatever_its_time(tenant: Tenant) -> None:
    created = hooked(tenant)
    place = f"{RULES}/{created['data']['rule_id']}/hook/rotate"

    answers = [tenant.post(place).json() for _ in range(2)]

    assert [deliver(tenant, each, json={}).status_code for each in (created, *answers)] == [404, 202, 202]


def test_a_rule_that_webhooks_do_not_start_has_no_token_to_rotate(tenant: Tenant, stranger: Tenant) -> None:
    manual, created = tenant.create_rule(), hooked(tenant)
    path = f"{RULES}/{created['data']['rule_id']}"

    foreign = stranger.post(f"{path}/hook/rotate")
    tenant.ask("DELETE", path)

    problem_of(tenant.post(f"{RULES}/{manual['rule_id']}/hook/rotate"), 409, "rule_without_hook")
    problem_of(tenant.post(f"{path}/hook/rotate"), 409, "rule_deleted")
    problem_of(foreign, 404, "rule_not_found")


def test_deliveries_count_against_the_limits_of_the_hooks_tenant(tenant: Tenant, stranger: Tenant) -> None:
    tenant.administration.set_limits(tenant.tenant, {Limit.REQUESTS_PER_MINUTE: 3, Limit.MAX_PENDING: 1})
    created, other = hooked(tenant), hooked(stranger)  # a request of the tenant, too

    answers = [deliver(tenant, created, json={}) for _ in range(3)]

    assert answers[0].status_code == 202
    assert answers[0].headers["ratelimit-policy"] == '"tenant";q=3;w=60'
    problem_of(answers[1], 429, "too_many_pending")
    problem_of(answers[2], 429, "rate_limited")
    assert deliver(stranger, other, json={}).status_code == 202


def test_what_a_delivery_has_started_is_in_the_audit_log(tenant: Tenant) -> None:
    answer = deliver(tenant, hooked(tenant), json={}, headers={"x-request-id": "a-delivery"})

    events = tenant.ask("GET", "/api/v1/audit-events?actor=hook").json()["data"]

    assert [(each["action"], each["resource_type"], each["resource_id"]) for each in events] == [
        ("receiveWebhook", "execution", answer.json()["data"]["execution_id"])
    ]
    assert (events[0]["user_id"], events[0]["key_prefix"], events[0]["request_id"]) == (None, None, "a-delivery")


def test_what_a_delivery_was_refused_is_in_the_audit_log(tenant: Tenant) -> None:
    created = verifying(tenant)
    inactive = hooked(tenant)
    patch = {"content-type": "application/merge-patch+json"}
    tenant.ask("PATCH", f"{RULES}/{inactive['data']['rule_id']}", json={"status": "inactive"}, headers=patch)
    unknown = {"hook": {"href": f"{created['hook']['href'][:-4]}0000"}}

    answers = [deliver(tenant, each, json={}) for each in (created, inactive, unknown)]

    assert [each.status_code for each in answers] == [403, 409, 404]
    deadline = time.monotonic() + 20
    while len(events := tenant.ask("GET", "/api/v1/audit-events?actor=hook&outcome=refused").json()["data"]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert {(each["action"], each["code"], each["resource_type"], each["resource_id"]) for each in events} == {
        ("receiveWebhook", "signature_invalid", "rule", created["data"]["rule_id"]),
        ("receiveWebhook", "rule_not_active", "rule", inactive["data"]["rule_id"]),
    }
    assert {(each["user_id"], each["request_id"]) for each in events} == {
        (None, each.headers["x-request-id"]) for each in answers[:2]
    }


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "cookie", "X-Api-Key", "Proxy-Authorization", "Set-Cookie", "Ocp-Apim-Subscription-Key"),
        *("Private-Token", "x-webhook-secret", "Stripe-Signature"),
    ],
)
def test_headers_that_log_in_or_sign_cannot_be_chosen(tenant: Tenant, name: str) -> None:
    answer = tenant.post(RULES, rule_input(trigger_type="webhook", trigger_config={"headers": ["X-Event", name]}))

    problem = problem_of(answer, 400, "invalid_body")
    assert [each["pointer"] for each in problem["errors"]] == ["/trigger_config/headers/1"]


def signed(content: bytes, delivery: str, secret: str = VALUE) -> dict[str, str]:
    """Return the headers with which GitHub sends something."""
    return {
        "content-type": "application/json",
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={hmac.digest(secret.encode(), content, 'sha256').hex()}",
    }


def verifying(tenant: Tenant) -> dict[str, Any]:
    """Create a rule whose deliveries are signed as GitHub does it, and return the answer."""
    secret = f"${{secrets.{tenant.put_secret('GITHUB', VALUE)}}}"
    return hooked(tenant, verification={"type": "github", "secret": secret})


def test_what_is_signed_starts_a_run_and_what_is_not_is_refused(tenant: Tenant) -> None:
    created, content = verifying(tenant), b'{"ref":  "refs/heads/main"}'

    answer = deliver(tenant, created, content=content, headers=signed(content, "1"))
    refused = [
        deliver(tenant, created, content=content, headers=headers)
        for headers in (signed(content, "2", "another value"), signed(b"{}", "3"), {"content-type": "application/json"})
    ]

    assert started(tenant, answer)["trigger_data"]["body"] == {"ref": "refs/heads/main"}
    for each in refused:
        problem_of(each, 403, "signature_invalid")
    assert len(tenant.ask("GET", EXECUTIONS).json()["data"]) == 1


def test_a_delivery_that_came_before_starts_nothing_twice(tenant: Tenant) -> None:
    created = verifying(tenant)

    first, again, other = (
        deliver(tenant, created, content=b"{}", headers=signed(b"{}", delivery)) for delivery in ("1", "1", "2")
    )

    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert other.json()["data"]["execution_id"] != first.json()["data"]["execution_id"]
    assert len(tenant.ask("GET", EXECUTIONS).json()["data"]) == 2
    assert len(tenant.ask("GET", "/api/v1/audit-events?actor=hook").json()["data"]) == 2


def test_of_the_same_delivery_at_the_same_moment_one_starts_a_run(tenant: Tenant) -> None:
    created = verifying(tenant)

    def send(_number: int) -> str:
        return deliver(tenant, created, content=b"{}", headers=signed(b"{}", "1")).text

    with ThreadPoolExecutor(8) as senders:
        answers = set(senders.map(send, range(16)))

    assert len(answers) == 1
    assert len(tenant.ask("GET", EXECUTIONS).json()["data"]) == 1


def test_a_delivery_that_was_refused_may_come_again(tenant: Tenant) -> None:
    created = verifying(tenant)
    path = f"{RULES}/{created['data']['rule_id']}"
    patch = {"content-type": "application/merge-patch+json"}
    tenant.ask("PATCH", path, patch, content=b'{"status": "inactive"}')
    refused = deliver(tenant, created, content=b"{}", headers=signed(b"{}", "1"))

    tenant.ask("PATCH", path, patch, content=b'{"status": "active"}')

    problem_of(refused, 409, "rule_not_active")
    assert deliver(tenant, created, content=b"{}", headers=signed(b"{}", "1")).status_code == 202


def test_a_delivery_is_one_of_its_hook_alone(tenant: Tenant, stranger: Tenant) -> None:
    hooks = [(tenant, verifying(tenant)), (tenant, verifying(tenant)), (stranger, verifying(stranger))]

    answers = [deliver(whose, created, content=b"{}", headers=signed(b"{}", "1")) for whose, created in hooks]

    assert len({answer.json()["data"]["execution_id"] for answer in answers}) == 3


def test_a_header_of_the_tenants_choice_may_tell_deliveries_apart(tenant: Tenant) -> None:
    created = hooked(tenant, delivery_id_header="X-Delivery")

    sent: list[dict[str, str]] = [{"x-delivery": "1"}, {"x-delivery": "1"}, {}, {}]
    answers = [deliver(tenant, created, json={}, headers=headers) for headers in sent]

    assert len({answer.json()["data"]["execution_id"] for answer in answers}) == 3


def test_a_delivery_with_the_key_of_a_run_that_is_pending_is_answered_with_that(tenant: Tenant) -> None:
    config = {"delivery_id_header": "X-Delivery"}
    rule = rule_input(trigger_type="webhook", trigger_config=config, deduplication_key="${trigger.body.customer}")
    created = tenant.post(RULES, rule).json()

    answers = [
        deliver(tenant, created, json={"customer": "C-1"}, headers=headers)
        for headers in ({"x-delivery": "1"}, {"x-delivery": "2"}, {"x-delivery": "2"}, {})
    ]

    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json()["data"]["execution_id"] for answer in answers}) == 1


def test_a_secret_that_deliveries_are_signed_with_is_there_and_stays(tenant: Tenant) -> None:
    config = {"verification": {"type": "github", "secret": "${secrets.NOWHERE}"}}

    refused = tenant.post(RULES, rule_input(trigger_type="webhook", trigger_config=config))
    verifying(tenant)

    problem = problem_of(refused, 400, "invalid_body")
    assert [each["pointer"] for each in problem["errors"]] == ["/trigger_config/verification/secret"]
    problem_of(tenant.ask("DELETE", f"{SECRETS}/GITHUB"), 409, "secret_in_use")


@pytest.mark.parametrize("secret", ["in plain", "${secrets.A}${secrets.B}", "${ secrets.A }", "${trigger.secret}"])
def test_what_deliveries_are_signed_with_is_named_and_not_said(tenant: Tenant, secret: str) -> None:
    config = {"verification": {"type": "github", "secret": secret}}

    answer = tenant.post(RULES, rule_input(trigger_type="webhook", trigger_config=config))

    problem = problem_of(answer, 400, "invalid_body")
    assert [each["pointer"] for each in problem["errors"]] == ["/trigger_config/verification/secret"]


def test_who_wants_the_end_is_answered_with_it(tenant: Tenant) -> None:
    created = hooked(tenant, respond="wait")

    with ThreadPoolExecutor(1) as sender:
        answering = sender.submit(deliver, tenant, created, json={}, timeout=60)
        assert tenant.post(f"{await_executions(tenant, 1)}/cancel").is_success
        answer = answering.result()

    assert answer.status_code == 200
    data = answer.json()["data"]
    execution = tenant.ask("GET", answer.headers["location"]).json()["data"]
    assert data == {name: execution[name] for name in ("execution_id", "status", "completed_at", "duration_ms")}
    assert data["status"] == "cancelled"


def await_executions(tenant: Tenant, count: int) -> str:
    """Return the path of a tenant's newest execution, as soon as there are so many."""
    deadline = time.monotonic() + 30
    while len(found := tenant.ask("GET", EXECUTIONS).json()["data"]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return f"{EXECUTIONS}/{found[0]['execution_id']}"


def test_who_leaves_gives_the_place_to_wait_back(tenant: Tenant) -> None:
    created = hooked(tenant, respond="wait")
    url = tenant.client.base_url
    leavers = [HTTPConnection(url.host, url.port) for _ in range(MOST_OF_A_TENANT)]
    for leaver in leavers:
        leaver.request("POST", created["hook"]["href"], b"{}", {"content-type": "application/json"})
    await_executions(tenant, len(leavers))

    for leaver in leavers:
        leaver.close()

    statuses = [waited_for(tenant, created, len(leavers) + 1)]
    while statuses[-1] == 202 and len(statuses) < 20:  # who left is noticed soon, be it after another has come
        statuses.append(waited_for(tenant, created, len(leavers) + 1 + len(statuses)))
    assert statuses[-1] == 200


def waited_for(tenant: Tenant, created: dict[str, Any], number: int) -> int:
    """Send a delivery, end its execution, which is a tenant's so manieth, and return the status of the answer."""
    with ThreadPoolExecutor(1) as sender:
        answering = sender.submit(deliver, tenant, created, json={}, timeout=60)
        assert tenant.post(f"{await_executions(tenant, number)}/cancel").is_success
        return answering.result().status_code


def test_a_service_that_stops_answers_those_who_wait(cluster: Cluster, tmp_path: Path) -> None:
    with cluster.database() as urls, ThreadPoolExecutor(1) as sender:
        settings = {"AUTOMATION_DATABASE_URL": urls.api, "AUTOMATION_DATA_DIR": str(tmp_path)}
        with serving(settings) as process, judging_client(process.base_url) as client:
            tenant = new_tenant(client, Administration(urls.owner))
            answering = sender.submit(deliver, tenant, hooked(tenant, respond="wait"), json={}, timeout=60)
            await_executions(tenant, 1)

            assert process.stop() == 0

            assert answering.result().status_code == 202
