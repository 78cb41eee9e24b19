"""Many executions at once: each is treated as it is alone, and the answer says what became of each."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from automation.domain.permissions import Role
from automation.storage import bulk_changes
from tests.system.paging import page
from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, Tenant

VERBS = ("cancel", "delete", "retry")
ALONE = {"cancel": ("POST", "/cancel"), "delete": ("DELETE", ""), "retry": ("POST", "/retry")}


def changed(tenant: Tenant, verb: str, **body: Any) -> Any:
    response = tenant.post(f"{EXECUTIONS}/{verb}", body)
    assert response.status_code == httpx.codes.OK, response.text
    return response.json()["data"]


def failed(tenant: Tenant, rule: dict[str, Any] | None = None) -> str:
    return tenant.add_failed_execution(rule or tenant.create_rule()).rpartition("/")[2]


def pending(tenant: Tenant, rule: dict[str, Any] | None = None, **members: Any) -> str:
    return str(tenant.execute(rule or tenant.create_rule(), **members)["execution_id"])


def statuses(tenant: Tenant) -> dict[str, str]:
    return {item["execution_id"]: item["status"] for item in page(tenant, limit=100)["data"]}


@pytest.mark.parametrize("verb", VERBS)
def test_each_is_refused_as_it_is_alone_and_the_others_are_changed(tenant: Tenant, stranger: Tenant, verb: str) -> None:
    ids = [pending(tenant), failed(tenant), str(uuid4()), failed(stranger), failed(tenant), pending(tenant)]
    method, ending = ALONE[verb]
    planned = changed(tenant, verb, ids=ids, dry_run=True)
    before = statuses(tenant)

    data = changed(tenant, verb, ids=ids)

    assert [result["execution_id"] for result in data["results"]] == ids
    assert {**planned, "dry_run": False} == data
    assert (data["done"], data["refused"], data["matched"]) == (2, 4, {"count": 6, "exact": True})
    assert len(before) == 4
    after = statuses(tenant)
    for result in data["results"]:
        if result["outcome"] == "done":
            assert after.get(result["execution_id"]) == {"cancel": "cancelled", "retry": "pending"}.get(verb)
        else:
            alone = tenant.ask(method, f"{EXECUTIONS}/{result['execution_id']}{ending}")
            assert (alone.json()["code"], alone.json()["detail"]) == (result["code"], result["detail"])


@pytest.mark.parametrize("verb", VERBS)
def test_a_dry_run_changes_nothing(tenant: Tenant, verb: str) -> None:
    ids = [pending(tenant), failed(tenant)]
    before = [tenant.ask("GET", f"{EXECUTIONS}/{each}").json() for each in ids]

    data = changed(tenant, verb, ids=ids, dry_run=True)

    assert (data["dry_run"], data["done"], data["refused"]) == (True, 1, 1)
    assert [tenant.ask("GET", f"{EXECUTIONS}/{each}").json() for each in ids] == before


def test_a_filter_leaves_what_the_list_leaves(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    labelled = [pending(tenant, rule, labels={"env": "test"}) for _ in range(2)]
    other = pending(tenant, rule, labels={"env": "prod"})

    data = changed(
        tenant,
        "cancel",
        filter={
            "automation_rule_id": [rule["rule_id"]],
            "status": ["pending"],
            "label": ["env:test"],
            "created_to": "2999-01-01T00:00:00+01:00",
        },
    )

    assert [result["execution_id"] for result in data["results"]] == labelled
    assert statuses(tenant) == {**dict.fromkeys(labelled, "cancelled"), other: "pending"}


def test_the_same_id_twice_is_one_execution(tenant: Tenant) -> None:
    execution = failed(tenant)

    data = changed(tenant, "retry", ids=[execution, execution.upper()])

    assert data["results"] == [{"execution_id": execution, "outcome": "done"}]


def test_a_retry_in_bulk_has_the_options_of_a_single_one(tenant: Tenant) -> None:
    execution = failed(tenant)

    changed(tenant, "retry", ids=[execution], **{"from": "failed_action", "rule_version": "latest"})

    document = tenant.ask("GET", f"{EXECUTIONS}/{execution}").json()["data"]
    assert (document["status"], document["attempt"]) == ("pending", 2)


def test_what_is_repeated_with_its_key_is_done_once(tenant: Tenant) -> None:
    execution, key = failed(tenant), str(uuid4())
    body = {"ids": [execution, str(uuid4())]}

    first, again = (tenant.post(f"{EXECUTIONS}/retry", body, **{"idempotency-key": key}) for _ in range(2))

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert tenant.ask("GET", f"{EXECUTIONS}/{execution}").json()["data"]["attempt"] == 2


@pytest.mark.parametrize("key", [{}, {"idempotency-key": '"bulk"'}], ids=["without a key", "with a key"])
def test_the_audit_log_has_a_line_for_each_that_was_changed(tenant: Tenant, key: dict[str, str]) -> None:
    done, refused = failed(tenant), pending(tenant)
    tenant.post(f"{EXECUTIONS}/delete", {"ids": [done, refused], "dry_run": True})

    tenant.post(f"{EXECUTIONS}/delete", {"ids": [done, refused]}, **key)

    auditor = {"x-api-key": tenant.add_key(Role.AUDITOR)}
    log = tenant.client.get("/api/v1/audit-events?action=deleteAutomationExecutions", headers=auditor).json()["data"]
    assert [(event["outcome"], event["resource_type"], event["resource_id"]) for event in log] == [
        ("done", "execution", done)
    ]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, [""]),
        ({"ids": [str(uuid4())], "filter": {"status": ["failed"]}}, [""]),
        ({"filter": {"status": ["failed"]}, "cursor": "x"}, ["/cursor"]),
        ({"ids": []}, ["/ids"]),
        ({"ids": ["mine"]}, ["/ids/0"]),
        ({"ids": [str(uuid4())] * 1001}, ["/ids"]),
        ({"filter": {}}, ["/filter"]),
        ({"filter": {"state": "failed"}}, ["/filter/state"]),
        ({"filter": {"label": ["env"]}}, ["/filter/label/0"]),
        ({"filter": {"label": ["env:a", "env:b"]}}, ["/filter/label"]),
        ({"filter": {"created_from": "yesterday"}}, ["/filter/created_from"]),
        (
            {"filter": {"duration_min_ms": 2, "duration_max_ms": 1}},
            ["/filter/duration_max_ms", "/filter/duration_min_ms"],
        ),
        ({"filter": {"status": ["pending"], "duration_min_ms": 1}}, ["/filter/duration_min_ms", "/filter/status"]),
    ],
    ids=[
        *("nothing", "both", "cursor", "no ids", "no id", "1,001", "any", "unknown", "no label", "two values"),
        *("no time", "contradiction", "not yet"),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_asked_wrongly_is_refused_as_a_whole(
    tenant: Tenant, verb: str, body: dict[str, Any], pointers: list[str]
) -> None:
    response = tenant.post(f"{EXECUTIONS}/{verb}", body)

    assert sorted(error["pointer"] for error in problem_of(response, 400, "invalid_body")["errors"]) == pointers


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_only_read_changes_nothing(tenant: Tenant, verb: str) -> None:
    reader = tenant.add_key(Role.READER)
    execution = failed(tenant)

    response = tenant.client.post(
        f"{EXECUTIONS}/{verb}", json={"ids": [execution], "dry_run": True}, headers={"x-api-key": reader}
    )

    problem_of(response, 403, "permission_denied")


def test_an_execution_that_has_ended_is_deleted_with_all_that_belongs_to_it(tenant: Tenant) -> None:
    execution = pending(tenant, labels={"env": "prod"})
    path = f"{EXECUTIONS}/{execution}"
    refused = tenant.ask("DELETE", path)
    tenant.post(f"{path}/cancel")
    tenant.post(f"{path}/retry")
    tenant.post(f"{path}/cancel")

    deleted = tenant.ask("DELETE", path)

    problem_of(refused, 409, "execution_not_finished")
    assert deleted.status_code == httpx.codes.NO_CONTENT
    for answer in (tenant.ask("GET", path), tenant.ask("GET", f"{path}/attempts"), tenant.ask("DELETE", path)):
        problem_of(answer, 404, "execution_not_found")
    assert page(tenant, label="env:prod")["data"] == []


def test_an_execution_is_deleted_as_it_was_read_or_not_at_all(tenant: Tenant) -> None:
    path = f"{EXECUTIONS}/{failed(tenant)}"
    etag = tenant.ask("GET", path).headers["etag"]
    tenant.post(f"{path}/retry")
    tenant.post(f"{path}/cancel")

    late = tenant.ask("DELETE", path, {"if-match": etag})
    in_time = tenant.ask("DELETE", path, {"if-match": tenant.ask("GET", path).headers["etag"]})

    problem_of(late, 412, "precondition_failed")
    assert in_time.status_code == httpx.codes.NO_CONTENT


def test_as_many_are_changed_at_once_as_the_contract_says() -> None:
    assert bulk_changes.MOST == 1_000
