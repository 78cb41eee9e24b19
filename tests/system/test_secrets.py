"""Secrets through the API: written, listed, named by rules and deleted; and who may see what rules hold in plain."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from automation.domain.permissions import Role
from tests.system.problems import problem_of
from tests.system.tenancy import RULES, SECRETS, WEBHOOK, Tenant, rule_input

VALUE = "a value of a secret"


def put(tenant: Tenant, name: str, value: Any = VALUE, **headers: str) -> httpx.Response:
    return tenant.ask("PUT", f"{SECRETS}/{name}", headers, json={"value": value})


def naming(*names: str) -> dict[str, Any]:
    text = " ".join(f"${{secrets.{name}}}" for name in names)
    return {**WEBHOOK, "config": {"url": "https://example.com/hook", "headers": {"Authorization": text}}}


def test_a_secret_is_made_replaced_read_and_deleted(tenant: Tenant) -> None:
    made = put(tenant, "TOKEN")
    replaced = put(tenant, "TOKEN", "another value")
    read = tenant.ask("GET", made.headers["location"])
    deleted = tenant.ask("DELETE", f"{SECRETS}/TOKEN")

    assert (made.status_code, replaced.status_code, read.status_code, deleted.status_code) == (201, 200, 200, 204)
    assert read.json() == replaced.json()
    assert read.json()["data"] == {
        "name": "TOKEN",
        "created_by": str(tenant.user),
        "created_at": made.json()["data"]["created_at"],
        "updated_by": str(tenant.user),
        "updated_at": replaced.json()["data"]["updated_at"],
        "_links": {"self": {"href": f"{SECRETS}/TOKEN"}},
    }
    problem_of(tenant.ask("GET", f"{SECRETS}/TOKEN"), 404, "secret_not_found")
    problem_of(tenant.ask("DELETE", f"{SECRETS}/TOKEN"), 404, "secret_not_found")


def test_secrets_are_listed_page_by_page(tenant: Tenant) -> None:
    for name in ("A", "B", "C"):
        put(tenant, name)

    first = tenant.ask("GET", f"{SECRETS}?limit=2").json()
    second = tenant.ask("GET", first["_links"]["next"]["href"]).json()

    assert [[each["name"] for each in page["data"]] for page in (first, second)] == [["C", "B"], ["A"]]


def test_another_tenant_has_secrets_of_its_own(tenant: Tenant, stranger: Tenant) -> None:
    put(tenant, "TOKEN")

    assert put(stranger, "TOKEN").status_code == 201
    assert stranger.ask("DELETE", f"{SECRETS}/TOKEN").status_code == 204
    assert tenant.ask("GET", f"{SECRETS}/TOKEN").status_code == 200


@pytest.mark.parametrize("value", ["short", "ü" * 40_000, "x" * 65_537, "", 12345678, None, "a\x00value of a secret"])
def test_what_is_no_value_is_refused_with_its_place(tenant: Tenant, value: Any) -> None:
    problem = problem_of(put(tenant, "TOKEN", value), 400, "invalid_body")

    assert [each.get("pointer", "/value") for each in problem.get("errors", [{}])] == ["/value"]


@pytest.mark.parametrize("value", ["8 signs.", "x" * 65_536, "ü" * 32_768, '"' * 65_536])
def test_a_value_may_have_from_8_characters_to_64_kib(tenant: Tenant, value: str) -> None:
    assert put(tenant, "TOKEN", value).status_code == 201


@pytest.mark.parametrize("name", ["1A", "A-B", "ä", "A" * 65, "A%20B"])
def test_what_is_no_name_is_refused(tenant: Tenant, name: str) -> None:
    (error,) = problem_of(put(tenant, name), 400, "invalid_parameter")["errors"]

    assert error["parameter"] == "name"


def test_a_rule_that_names_a_missing_secret_is_refused_with_its_place(tenant: Tenant) -> None:
    put(tenant, "THERE")
    rule = tenant.create_rule()
    path = f"{RULES}/{rule['rule_id']}"
    body = rule_input(actions=[WEBHOOK, naming("THERE", "GONE")])

    answers = [
        tenant.post(RULES, body),
        tenant.ask("PUT", path, json=body),
        tenant.ask("PATCH", path, {"content-type": "application/merge-patch+json"}, json={"actions": body["actions"]}),
    ]

    for answer in answers:
        (error,) = problem_of(answer, 400, "invalid_body")["errors"]
        assert error == {"message": "there is no secret GONE", "pointer": "/actions/1/config/headers/Authorization"}


def test_a_secret_that_rules_name_is_not_deleted_and_they_are_named(tenant: Tenant) -> None:
    put(tenant, "TOKEN")
    rule = tenant.create_rule(actions=[naming("TOKEN")])

    refused = problem_of(tenant.ask("DELETE", f"{SECRETS}/TOKEN"), 409, "secret_in_use")
    tenant.ask("DELETE", f"{RULES}/{rule['rule_id']}")

    assert refused["detail"] == f"Rules name the secret: {rule['rule_id']}."
    assert tenant.ask("DELETE", f"{SECRETS}/TOKEN").status_code == 204


def test_a_dry_run_shows_the_name_of_a_secret(tenant: Tenant) -> None:
    put(tenant, "TOKEN")
    rule = tenant.create_rule(actions=[naming("TOKEN")])

    planned = tenant.post(f"{RULES}/{rule['rule_id']}/execute", {"dry_run": True})

    (action,) = planned.json()["data"]["actions"]
    assert action["config"]["headers"] == {"Authorization": "${secrets.TOKEN}"}
    assert action["unresolved"] == ["/headers/Authorization"]


@pytest.mark.parametrize(("role", "shown"), [(Role.OPERATOR, "Bearer s3cret"), (Role.EDITOR, "***")])
def test_what_rules_hold_in_plain_is_seen_by_who_may_manage_secrets(tenant: Tenant, role: Role, shown: str) -> None:
    secret = {**WEBHOOK, "config": {**WEBHOOK["config"], "headers": {"Authorization": "Bearer s3cret"}}}
    rule = tenant.create_rule(actions=[secret])
    path = f"{RULES}/{rule['rule_id']}"
    reader = replace(tenant, key=tenant.add_key(role))

    answers = [
        reader.ask("GET", path),
        reader.ask("GET", f"{path}/versions/1"),
        reader.ask("PUT", path, json=rule_input(actions=[secret], name="Another")),
        reader.post(f"{path}/execute", {"dry_run": True}),
    ]

    configs = [answer.json()["data"]["actions"][0]["config"] for answer in answers]
    *read, planned = [config["headers"]["Authorization"] for config in configs]
    assert read == [shown] * 3
    assert planned == "***", "plans are masked for everybody"


@pytest.mark.parametrize("path", ["", "/versions/1"])
def test_who_sees_what_a_rule_holds_in_plain_is_told_of_changes_by_other_tags(tenant: Tenant, path: str) -> None:
    rule = f"{RULES}/{tenant.create_rule()['rule_id']}{path}"
    readers = [replace(tenant, key=tenant.add_key(role)) for role in (Role.OPERATOR, Role.EDITOR)]
    manager, editor = readers
    plain, masked = [reader.ask("GET", rule).headers["etag"] for reader in readers]

    statuses = [
        [reader.ask("GET", rule, {"if-none-match": etag}).status_code for etag in (plain, masked)] for reader in readers
    ]

    assert plain != masked
    assert statuses == [[304, 200], [200, 304]]
    problem_of(manager.ask("GET", rule, {"if-match": masked}), 412, "precondition_failed")
    problem_of(editor.ask("GET", rule, {"if-match": plain}), 412, "precondition_failed")


def test_an_editor_names_secrets_and_manages_none(tenant: Tenant) -> None:
    put(tenant, "TOKEN")
    editor = replace(tenant, key=tenant.add_key(Role.EDITOR))

    assert editor.post(RULES, rule_input(actions=[naming("TOKEN")])).status_code == 201
    for refused in (put(editor, "TOKEN"), editor.ask("GET", SECRETS), editor.ask("DELETE", f"{SECRETS}/TOKEN")):
        problem_of(refused, 403, "permission_denied")


def test_the_same_value_under_the_same_idempotency_key_is_kept_once(tenant: Tenant) -> None:
    first = put(tenant, "TOKEN", **{"idempotency-key": "one"})
    again = put(tenant, "TOKEN", **{"idempotency-key": "one"})
    other = put(tenant, "TOKEN", "another value", **{"idempotency-key": "one"})

    assert (first.content, first.status_code) == (again.content, again.status_code)
    assert again.headers["idempotency-replayed"] == "true"
    problem_of(other, 422, "idempotency_key_reused")


def test_a_value_that_no_delivery_could_be_verified_with_is_refused_with_the_rule(tenant: Tenant) -> None:
    for name in ("STANDARD", "ELSEWHERE"):
        tenant.put_secret(name, "whsec_MDEyMzQ1Njc4OWFiY2RlZg==")
    verification = {"type": "standard_webhooks", "secret": "${secrets.STANDARD}"}
    rule = tenant.create_hooked_rule(verification=verification)["data"]["rule_id"]
    tenant.create_hooked_rule(verification={"type": "github", "secret": "${secrets.ELSEWHERE}"})

    refused = tenant.ask("PUT", f"{SECRETS}/STANDARD", json={"value": "what both sides know"})
    elsewhere = tenant.ask("PUT", f"{SECRETS}/ELSEWHERE", json={"value": "what both sides know"})
    other_key = tenant.ask("PUT", f"{SECRETS}/STANDARD", json={"value": "YW5vdGhlciBrZXk"})

    (error,) = problem_of(refused, 400, "invalid_body")["errors"]
    assert (error["pointer"], rule in error["message"]) == ("/value", True)
    assert "what both sides know" not in refused.text
    assert (elsewhere.status_code, other_key.status_code) == (200, 200)


def test_a_delivery_that_no_secret_could_verify_is_told_why(tenant: Tenant) -> None:
    tenant.put_secret("STANDARD", "what both sides know")
    hook = tenant.create_hook(verification={"type": "standard_webhooks", "secret": "${secrets.STANDARD}"})

    problem = problem_of(tenant.client.post(hook, json={}), 403, "signature_invalid")

    assert "is no key of Standard Webhooks, which is base64" in problem["detail"]
