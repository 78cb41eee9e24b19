"""A rule as it was read can be sent back, changed in one place or in none, and under a condition."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.system.problems import problem_of
from tests.system.tenancy import RULES, WEBHOOK, Tenant

PATCH = {"content-type": "application/merge-patch+json"}


def path_of(rule: Mapping[str, Any]) -> str:
    return f"{RULES}/{rule['rule_id']}"


def read(tenant: Tenant, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule as it is read."""
    data: dict[str, Any] = tenant.ask("GET", path_of(rule)).json()["data"]
    return data


def test_a_rule_as_it_was_read_is_put_back_and_stays_as_it_is(tenant: Tenant) -> None:
    rule = tenant.create_rule(description="Tells them.", max_concurrent_executions=3)
    before = tenant.ask("GET", path_of(rule))

    put = tenant.ask("PUT", path_of(rule), json=before.json()["data"])

    assert put.status_code == 200, put.text
    assert put.json() == before.json()
    assert put.headers["etag"] == before.headers["etag"]
    assert tenant.ask("GET", path_of(rule)).json() == before.json()


def test_a_rule_as_it_was_read_is_put_back_with_one_change(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule())

    put = tenant.ask("PUT", path_of(shown), json={**shown, "name": "Notify both"})

    assert put.headers["etag"].startswith('"v2-')
    changed = {"name", "version", "updated_at"}
    assert {name for name, value in put.json()["data"].items() if shown[name] != value} == changed


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("rule_id", str(uuid4())),
        ("tenant", str(uuid4())),
        ("version", 2),
        ("created_by", str(uuid4())),
        ("created_at", "2026-01-01T00:00:00Z"),
        ("updated_at", "2026-01-01T00:00:00Z"),
        ("status_reason", "none"),
        ("deleted_at", "2026-01-01T00:00:00Z"),
        ("_links", {"self": {"href": "/elsewhere"}}),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" not in value else "",
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_can_only_be_read_is_named_when_it_is_changed(
    tenant: Tenant, method: str, member: str, value: object
) -> None:
    shown = read(tenant, tenant.create_rule())

    response = tenant.ask(method, path_of(shown), PATCH if method == "PATCH" else {}, json={**shown, member: value})

    problem = problem_of(response, 400, "invalid_body")
    assert [error["pointer"] for error in problem["errors"]] == [f"/{member}"]
    assert read(tenant, shown) == shown


def test_a_time_is_the_same_in_another_zone(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule())
    elsewhere = shown["created_at"].replace("Z", "+00:00")

    assert tenant.ask("PUT", path_of(shown), json={**shown, "created_at": elsewhere}).status_code == 200


def test_a_rule_in_error_is_put_back_mended_and_stays_in_error_until_it_is_told_otherwise(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        connection.execute(
            text("UPDATE automation_rules SET status = 'error', status_reason = 'broken' WHERE rule_id = :rule"),
            {"rule": rule["rule_id"]},
        )
    shown = read(tenant, rule)

    mended = tenant.ask("PUT", path_of(rule), json={**shown, "name": "Mended"}).json()["data"]
    active = tenant.ask("PATCH", path_of(rule), PATCH, json={"status": "active"}).json()["data"]

    assert (mended["status"], mended["status_reason"], mended["version"]) == ("error", "broken", 2)
    assert (active["status"], active.get("status_reason"), active["version"]) == ("active", None, 3)


def test_the_status_that_the_engine_alone_sets_leaves_it_as_it_is(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule())

    for method, headers in (("PUT", {}), ("PATCH", PATCH)):
        response = tenant.ask(method, path_of(shown), headers, json={**shown, "status": "error"})
        assert (response.status_code, response.json()["data"]) == (200, shown)


def test_a_patch_changes_what_it_names(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule(description="Tells them.", max_concurrent_executions=3))

    patched = tenant.ask(
        "PATCH", path_of(shown), PATCH, json={"description": None, "max_concurrent_executions": 5}
    ).json()["data"]

    assert (patched["description"], patched["max_concurrent_executions"]) == (None, 5)
    assert patched["actions"] == shown["actions"]
    assert patched["version"] == 2


def test_null_takes_a_member_back_to_its_default(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule(execution_timeout_seconds=60, conditions=[]))

    patched = tenant.ask("PATCH", path_of(shown), PATCH, json={"execution_timeout_seconds": None}).json()["data"]

    assert patched["execution_timeout_seconds"] == 3600


def test_a_patch_of_nothing_makes_no_version(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule())
    etag = tenant.ask("GET", path_of(shown)).headers["etag"]

    for body in ({}, {"name": shown["name"]}, {"actions": shown["actions"]}):
        assert tenant.ask("PATCH", path_of(shown), PATCH, json=body).headers["etag"] == etag


def test_what_a_patch_makes_of_a_rule_is_checked(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule())
    broken = {"actions": [{**WEBHOOK, "config": {"url": "${"}}]}

    problem_of(tenant.ask("PATCH", path_of(shown), PATCH, json=broken), 400, "invalid_body")
    problem_of(tenant.ask("PATCH", path_of(shown), PATCH, json={"name": None}), 400, "invalid_body")
    problem_of(tenant.ask("PATCH", path_of(shown), PATCH, json={"actions": []}), 400, "invalid_body")


def test_a_patch_is_called_a_merge_patch(tenant: Tenant) -> None:
    shown = read(tenant, tenant.create_rule())

    response = tenant.ask("PATCH", path_of(shown), json={"name": "Other"})

    problem_of(response, 415, "unsupported_media_type")
    assert response.headers["accept-patch"] == PATCH["content-type"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("if-match", "{etag}", 200),
        ("if-match", '"v1"', 412),
        ("if-match", "*", 200),
        ("if-match", '"v7", {etag}', 200),
        ("if-match", '"v2"', 412),
        ("if-match", "W/{etag}", 412),
        ("if-none-match", '"v2"', 200),
        ("if-none-match", "{etag}", 412),
        ("if-none-match", "W/{etag}", 412),
        ("if-none-match", '"v7", {etag}', 412),
        ("if-none-match", "*", 412),
    ],
)
def test_a_rule_is_changed_only_under_the_condition(
    tenant: Tenant, method: str, header: str, value: str, status: int
) -> None:
    shown = read(tenant, tenant.create_rule())
    etag = tenant.ask("GET", path_of(shown)).headers["etag"]
    headers = {header: value.replace("{etag}", etag), **(PATCH if method == "PATCH" else {})}
    body = {} if method == "DELETE" else {"json": {**shown, "name": "Other"}}

    response = tenant.ask(method, path_of(shown), headers, **body)

    if status == 412:
        problem_of(response, 412, "precondition_failed")
        assert read(tenant, shown) == shown
    else:
        assert response.is_success, response.text
        assert read(tenant, shown) != shown


@pytest.mark.parametrize(("value", "status"), [("{etag}", 200), ("*", 200), ('"v2"', 412), ("W/{etag}", 412)])
def test_a_rule_is_read_only_under_the_condition(tenant: Tenant, value: str, status: int) -> None:
    rule = tenant.create_rule()
    etag = tenant.ask("GET", path_of(rule)).headers["etag"]

    assert tenant.ask("GET", path_of(rule), {"if-match": value.replace("{etag}", etag)}).status_code == status
