"""Labels as people use them: given by a rule and by whoever runs it, and looked for later."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.system.paging import page
from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, RULES, Tenant

TEMPLATES = {"env": "test", "order": "${trigger.order_id}", "customer": "${trigger.customer}"}


def test_an_execution_is_found_by_the_labels_of_its_rule_and_its_own(tenant: Tenant) -> None:
    rule = tenant.create_rule(labels=TEMPLATES)
    runs = [
        tenant.execute(rule, trigger_data={"order_id": order, "customer": "c:7"}, labels={"env": env})
        for order, env in ((1, "prod"), (2, "prod"), (1, "blue"))
    ]

    body = page(tenant, label=["order:1", "env:prod"])

    assert runs[0]["labels"] == {"env": "prod", "order": "1", "customer": "c:7"}
    assert [item["execution_id"] for item in body["data"]] == [runs[0]["execution_id"]]
    assert body["data"][0]["labels"] == runs[0]["labels"]
    query = parse_qs(urlsplit(body["_links"]["first"]["href"]).query)
    assert query["label"] == ["order:1", "env:prod"]
    assert len(page(tenant, label="customer:c:7")["data"]) == 3


def test_a_label_that_cannot_be_made_keeps_no_execution_from_running(tenant: Tenant) -> None:
    run = tenant.execute(tenant.create_rule(labels=TEMPLATES), trigger_data={"order_id": 1})

    assert run["labels"] == {"env": "test", "order": "1"}
    assert "The label customer was left out" in run["logs"][0]["message"]


def test_a_dry_run_says_which_labels_there_would_be(tenant: Tenant) -> None:
    rule = tenant.create_rule(labels=TEMPLATES)
    body = {"trigger_data": {"order_id": 1}, "labels": {"env": "prod"}, "dry_run": True}

    plan = tenant.post(f"{RULES}/{rule['rule_id']}/execute", body).json()["data"]

    assert plan["labels"] == {"env": "prod", "order": "1"}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("labels", "pointer"),
    [
        ({"Env": "prod"}, "/labels/Env"),
        ({"": "prod"}, "/labels/"),
        ({"x" * 64: "prod"}, f"/labels/{'x' * 64}"),
        ({"env": "x" * 256}, "/labels/env"),
        ({"env": 7}, "/labels/env"),
        ({"env": None}, "/labels/env"),
        ({f"label-{number}": "" for number in range(21)}, "/labels"),
        ({f"label-{number}": "" for number in range(18)}, "/labels"),
    ],
    ids=["capital", "empty", "long key", "long value", "number", "null", "21", "18 and the rule's"],
)
def test_labels_that_an_execution_cannot_have_are_refused(
    tenant: Tenant, labels: dict[str, object], pointer: str, *, dry_run: bool
) -> None:
    rule = tenant.create_rule(labels=TEMPLATES)
    body = {"labels": labels, "dry_run": dry_run, "trigger_data": {"order_id": 1, "customer": "c"}}

    response = tenant.post(f"{RULES}/{rule['rule_id']}/execute", body)

    assert [error["pointer"] for error in problem_of(response, 400, "invalid_body")["errors"]] == [pointer]
    assert page(tenant)["data"] == []


@pytest.mark.parametrize("path", [EXECUTIONS, RULES])
@pytest.mark.parametrize(
    "query",
    ["label=env", "label=", "label=:prod", "label=Env:prod", "label=env:prod&label=env:test", f"label=env:{'x' * 320}"],
    ids=["no colon", "empty", "no key", "capital", "two values", "long"],
)
def test_a_label_that_nothing_can_have_is_refused(tenant: Tenant, path: str, query: str) -> None:
    problem = problem_of(tenant.ask("GET", f"{path}?{query}"), 400, "invalid_parameter")

    assert {error["parameter"] for error in problem["errors"]} == {"label"}


def test_the_same_label_twice_is_asked_for_once(tenant: Tenant) -> None:
    run = tenant.execute(tenant.create_rule(), labels={"env": "prod"})

    body = page(tenant, label=["env:prod", "env:prod"])

    assert [item["execution_id"] for item in body["data"]] == [run["execution_id"]]


def test_rules_are_found_by_their_labels_as_they_are_written(tenant: Tenant) -> None:
    labelled = tenant.create_rule(labels=TEMPLATES)
    tenant.create_rule(labels={"env": "prod"})

    found = [page(tenant, RULES, label=label)["data"] for label in ("env:test", "order:${trigger.order_id}", "env:no")]

    assert [[item["rule_id"] for item in items] for items in found] == [[labelled["rule_id"]]] * 2 + [[]]
    assert found[0][0]["labels"] == TEMPLATES
    assert [item["rule_id"] for item in page(tenant, RULES, label=["env:test", "customer:x"])["data"]] == []


def test_labels_of_a_rule_are_changed_one_by_one(tenant: Tenant) -> None:
    rule = tenant.create_rule(labels=TEMPLATES)
    path = f"{RULES}/{rule['rule_id']}"
    merge = {"content-type": "application/merge-patch+json"}

    patched = tenant.ask("PATCH", path, merge, content=b'{"labels": {"order": null, "env": "prod"}}').json()["data"]
    emptied = tenant.ask("PATCH", path, merge, content=b'{"labels": null}').json()["data"]
    versions = tenant.ask("GET", f"{path}/versions").json()["data"]

    assert patched["labels"] == {"env": "prod", "customer": "${trigger.customer}"}
    assert emptied["labels"] == {}
    assert [version["changed"] for version in versions] == [["labels"], ["labels"], []]
    assert tenant.ask("GET", f"{path}/versions/1").json()["data"]["labels"] == TEMPLATES
