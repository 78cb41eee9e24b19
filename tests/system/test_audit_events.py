"""The audit log: who did what to what, from where, and what was refused, one tenant at a time."""

import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from automation.contract.document.outline import Entry
from automation.domain.limits import Limit
from automation.domain.permissions import Role
from automation.storage.accounts.administration import Administration
from security.key_format import DISPLAY_LENGTH
from tests.system.paging import followed
from tests.system.problems import problem_of
from tests.system.tenancy import EVENTS as PUBLISHED
from tests.system.tenancy import EXECUTIONS, RULES, Tenant, new_tenant
from tests.system.writes import WRITES, new_key, write

EVENTS = "/api/v1/audit-events"
PATIENCE = 20

each_write = pytest.mark.parametrize("entry", WRITES, ids=lambda entry: entry.name)


@pytest.fixture(scope="module")
def everything(idle: tuple[httpx.Client, Administration]) -> Tenant:
    """The tenant whose every write is made here: each test makes what it is about, and knows it by its request."""
    return new_tenant(*idle)


@pytest.fixture(scope="module")
def reader(everything: Tenant) -> str:
    """The key of a user who may change nothing."""
    return everything.add_key(Role.READER)


def events(tenant: Tenant, **filters: str) -> list[dict[str, Any]]:
    """Return the tenant's events, the newest first."""
    response = tenant.ask("GET", EVENTS, params={"limit": "100", **filters})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["data"]
    return found


def of_request(tenant: Tenant, identifier: str) -> list[dict[str, Any]]:
    """Return the events of one request."""
    return [event for event in events(tenant) if event["request_id"] == identifier]


def refused(tenant: Tenant, identifier: str) -> dict[str, Any]:
    """Return the event of a request that was refused, as soon as it is written."""
    deadline = time.monotonic() + PATIENCE
    while not (found := of_request(tenant, identifier)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (event,) = found
    return event


@each_write
def test_what_is_done_leaves_one_line_as_soon_as_it_is_done(entry: Entry, everything: Tenant) -> None:
    request, identifier = write(entry, everything), str(uuid4())

    response = request.send(**{"x-request-id": identifier})

    assert response.is_success
    (event,) = of_request(everything, identifier)
    kind, resource = subject_of(request.path, response)
    assert {name: event[name] for name in ("action", "outcome", "code", "resource_type", "resource_id")} == {
        "action": entry.name,
        "outcome": "done",
        "code": None,
        "resource_type": kind,
        "resource_id": resource,
    }
    assert {name: event[name] for name in ("actor", "user_id", "key_prefix", "operator", "client_address")} == {
        "actor": "user",
        "user_id": str(everything.user),
        "key_prefix": everything.key[:DISPLAY_LENGTH],
        "operator": None,
        "client_address": "127.0.0.1",
    }


@each_write
def test_what_is_repeated_leaves_no_second_line(entry: Entry, everything: Tenant) -> None:
    request, key = write(entry, everything), new_key()
    first, again = str(uuid4()), str(uuid4())

    done = request.send(key, **{"x-request-id": first})
    request.send(key, **{"x-request-id": again})

    (event,) = of_request(everything, first)
    assert (event["resource_type"], event["resource_id"]) == subject_of(request.path, done)
    assert of_request(everything, again) == []


@each_write
def test_what_is_refused_for_want_of_a_permission_is_written_down(
    entry: Entry, everything: Tenant, reader: str
) -> None:
    request, identifier = write(entry, everything).by(reader), str(uuid4())

    response = request.send(**{"x-request-id": identifier})

    problem_of(response, 403, "permission_denied")
    event = refused(everything, identifier)
    assert (event["action"], event["outcome"], event["code"]) == (entry.name, "refused", "permission_denied")
    assert event["key_prefix"] == request.tenant.key[:DISPLAY_LENGTH]


def subject_of(path: str, response: httpx.Response) -> tuple[str, str | None]:
    """Return what a write was about: what it made, or else what its path names."""
    if path == PUBLISHED:
        return "tenant", None
    place = response.headers.get("location", path).split("/")
    if "location" not in response.headers and path.endswith("/execute"):
        return "execution", response.json()["data"]["execution_id"]
    if path.rpartition("/")[2] in {"cancel", "delete", "retry"} and "results" in response.json()["data"]:
        (changed,) = response.json()["data"]["results"]
        return "execution", changed["execution_id"]
    if "secrets" in place:
        return "secret", place[-1]
    if path in {
        f"{EXECUTIONS}/{verb}" for verb in ("cancel", "delete", "retry")
    }:  # many at once: each that was done has a line
        (done,) = (each for each in response.json()["data"]["results"] if each["outcome"] == "done")
        return "execution", done["execution_id"]
    kind = "execution" if "executions" in place else "rule"
    return kind, next(part for part in place if len(part) == len(str(UUID(int=0))))


def test_what_the_state_of_things_forbids_is_written_down(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    tenant.execute(rule)

    response = tenant.ask("DELETE", f"{RULES}/{rule['rule_id']}", {"x-request-id": "in-use"})

    assert response.status_code == 409
    event = refused(tenant, "in-use")
    assert (event["code"], event["resource_type"], event["resource_id"]) == ("rule_in_use", "rule", rule["rule_id"])
    assert [each["action"] for each in events(tenant, outcome="done", actor="user")] == [
        "executeAutomationRule",
        "createAutomationRule",
    ]


def test_what_only_reads_or_is_malformed_leaves_no_line(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    before = len(events(tenant))

    tenant.post(f"{RULES}/{rule['rule_id']}/execute", {"dry_run": True})
    tenant.post(RULES, {"name": 7})
    tenant.ask("GET", f"{RULES}/{uuid4()}")
    tenant.ask("POST", f"{EXECUTIONS}/{uuid4()}/cancel", {"x-request-id": "the-last"})

    refused(tenant, "the-last")
    assert len(events(tenant)) == before + 1


def test_an_execution_names_its_rule(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    execution = tenant.execute(rule)

    (event,) = events(tenant, resource_id=execution["execution_id"])

    assert event["details"] == {"automation_rule_id": rule["rule_id"]}


def test_another_tenants_events_are_not_there(tenant: Tenant, stranger: Tenant) -> None:
    rule = tenant.create_rule()

    stranger.ask("DELETE", f"{RULES}/{rule['rule_id']}", {"x-request-id": "not-theirs"})

    event = refused(stranger, "not-theirs")
    assert event["code"] == "rule_not_found"
    assert {each["request_id"] for each in events(tenant)}.isdisjoint({"not-theirs"})
    assert events(stranger, action="createAutomationRule") == []


def test_whoever_has_not_the_permission_reads_none(tenant: Tenant) -> None:
    response = tenant.client.get(EVENTS, headers={"x-api-key": tenant.add_key(Role.READER)})
    auditor = tenant.client.get(EVENTS, headers={"x-api-key": tenant.add_key(Role.AUDITOR)})

    problem_of(response, 403, "permission_denied")
    assert auditor.status_code == 200


def test_filters_narrow_the_list_together_and_pages_keep_them(tenant: Tenant) -> None:
    rules = [tenant.create_rule()["rule_id"] for _ in range(3)]
    tenant.execute({"rule_id": rules[0]})

    made = [
        event["resource_id"]
        for body in followed(tenant, f"{EVENTS}?action=createAutomationRule&action=deleteAutomationRule&limit=2")
        for event in body["data"]
    ]

    assert made == rules[::-1]
    assert [each["resource_id"] for each in events(tenant, resource_type="rule", resource_id=rules[1])] == [rules[1]]
    assert events(tenant, user_id=str(uuid4())) == []
    assert events(tenant, created_to="2026-01-01T00:00:00Z") == []
    assert len(events(tenant, created_from="2026-01-01T00:00:00Z", actor="user")) == 4


def test_what_operators_do_is_there(tenant: Tenant) -> None:
    prefix = tenant.add_key(Role.READER)[:DISPLAY_LENGTH]
    tenant.administration.revoke_key(tenant.tenant, prefix)
    tenant.administration.set_limits(tenant.tenant, {Limit.MAX_PENDING: 7, Limit.MAX_RUNNING: None})

    found = events(tenant, actor="operator")

    limits, revoked, created, *_ = found
    assert (limits["action"], limits["details"]) == ("setTenantLimits", {"max_pending": 7, "max_running": "default"})
    assert (limits["resource_type"], limits["resource_id"]) == ("tenant", str(tenant.tenant))
    assert (revoked["action"], revoked["resource_type"], revoked["resource_id"]) == ("revokeKey", "key", prefix)
    assert created["action"] == "createKey"
    assert {event["action"] for event in found} == {
        *("createTenant", "createUser", "createKey", "revokeKey", "setTenantLimits"),
    }
    assert all(event["operator"] and event["client_address"] and not event["user_id"] for event in found)


def test_there_is_nothing_secret_in_it(tenant: Tenant) -> None:
    secret = "Bearer very-secret"
    config = {"url": "https://example.com/", "headers": {"Authorization": secret}}
    action = {"type": "webhook_call", "config": config}
    tenant.execute(tenant.create_rule(actions=[action]), trigger_data={"password": "hunter2"})

    text = tenant.ask("GET", EVENTS).text

    assert secret not in text
    assert "hunter2" not in text
    assert tenant.key not in text
