"""More executions than one request changes: an operation goes through them, and says how far it is."""

import httpx
import pytest

from automation.domain.permissions import Role
from automation.storage.bulk_changes import MOST
from tests.system.many_executions import failed, over
from tests.system.paging import followed, page
from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, Tenant

OPERATIONS = "/api/v1/automation/bulk_operations"


def test_more_than_a_thousand_are_changed_by_an_operation_that_tells_how_far_it_is(
    tenant: Tenant, stranger: Tenant
) -> None:
    wanted, key = failed(tenant, MOST + 1), {"idempotency-key": '"many"'}

    accepted = tenant.post(f"{EXECUTIONS}/delete", {"filter": wanted}, **key)
    again = tenant.post(f"{EXECUTIONS}/delete", {"filter": wanted}, **key)
    operation = over(tenant, accepted.headers["location"])

    begun = accepted.json()["data"]
    assert accepted.status_code == again.status_code == httpx.codes.ACCEPTED
    assert again.content == accepted.content
    assert (begun["status"], begun["matched"]) == ("pending", {"count": MOST + 1, "exact": True})
    assert begun["_links"]["self"]["href"] == accepted.headers["location"]
    assert begun["filter"] == wanted
    assert (operation["status"], operation["done"], operation["refused"]) == ("completed", MOST + 1, 0)
    assert page(tenant, **wanted)["data"] == []
    problem_of(stranger.ask("GET", accepted.headers["location"]), 404, "bulk_operation_not_found")
    auditor = {"x-api-key": tenant.add_key(Role.AUDITOR)}
    log = tenant.client.get(
        "/api/v1/audit-events?action=deleteAutomationExecutions&include_total=true", headers=auditor
    ).json()
    # A line for each, and one for the operation itself.
    assert log["pagination"]["total"] == {"count": MOST + 2, "exact": True}


def test_what_was_refused_is_listed_with_the_reason(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    wanted = failed(tenant, MOST + 1, rule)
    assert tenant.ask("DELETE", f"/api/v1/automation/rules/{rule['rule_id']}").is_success

    accepted = tenant.post(f"{EXECUTIONS}/retry", {"filter": wanted, "rule_version": "latest"})
    operation = over(tenant, accepted.headers["location"])

    pages = list(followed(tenant, f"{operation['_links']['refusals']['href']}?limit=100"))
    refused = [item for each in pages for item in each["data"]]
    assert (operation["action"], operation["from"], operation["rule_version"]) == ("retry", "start", "latest")
    assert (operation["done"], operation["refused"]) == (0, MOST + 1)
    assert {item["code"] for item in refused} == {"rule_deleted"}
    assert len({item["execution_id"] for item in refused}) == MOST + 1


def test_a_dry_run_of_many_tells_of_the_oldest_and_changes_none(tenant: Tenant) -> None:
    wanted = failed(tenant, MOST + 1)

    response = tenant.post(f"{EXECUTIONS}/delete", {"filter": wanted, "dry_run": True})

    data = response.json()["data"]
    assert response.status_code == httpx.codes.OK
    assert (data["dry_run"], data["matched"]["count"]) == (True, MOST + 1)
    assert 0 < data["done"] <= MOST  # as many as there is time for
    assert len(data["results"]) == data["done"]
    assert page(tenant, include_total="true", **wanted)["pagination"]["total"]["count"] == MOST + 1


@pytest.mark.parametrize("path", ["", "/refusals"])
def test_an_operation_that_is_not_there_is_not_found(tenant: Tenant, path: str) -> None:
    response = tenant.ask("GET", f"{OPERATIONS}/9b2fe1c2-6a0e-4f4e-9b7c-52f3a2b8f0c1{path}")

    problem_of(response, 404, "bulk_operation_not_found")
