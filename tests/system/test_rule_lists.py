"""Rules page by page, and who changed what in them when."""

from typing import Any

import pytest

from tests.system.paging import followed, page
from tests.system.problems import problem_of
from tests.system.tenancy import RULES, Tenant, rule_input


def names(body: Any) -> list[str]:
    return [item["name"] for item in body["data"]]


@pytest.fixture
def made(tenant: Tenant) -> list[dict[str, Any]]:
    """The tenant's rules, the newest first."""
    kinds = [("Notify 100%", "active"), ("Notify _", "draft"), ("notify", "inactive"), ("Wait", "active")]
    return [tenant.create_rule(name=name, status=status) for name, status in kinds][::-1]


def test_a_rule_is_listed_as_it_is_read_but_for_what_it_does(tenant: Tenant, made: list[dict[str, Any]]) -> None:
    body = page(tenant, RULES)

    large = {"trigger_config", "conditions", "condition_logic", "actions", "input_schema", "next_fire_at"}
    large |= {"concurrency_key", "deduplication_key", "debounce_seconds"}
    assert body["data"] == [{name: value for name, value in rule.items() if name not in large} for rule in made]


def test_rules_are_followed_page_by_page_there_and_back(tenant: Tenant, made: list[dict[str, Any]]) -> None:
    there = list(followed(tenant, f"{RULES}?limit=3&sort=created_at"))
    back = list(followed(tenant, there[-1]["_links"]["self"]["href"], "prev"))

    expected = [rule["name"] for rule in made[::-1]]
    assert [names(body) for body in there] == [expected[:3], expected[3:]]
    assert [names(body) for body in back] == [expected[3:], expected[:3]]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"status": "active"}, {"Notify 100%", "Wait"}),
        ({"status": ["draft", "inactive"]}, {"Notify _", "notify"}),
        ({"trigger_type": "manual", "name": "Notify"}, {"Notify 100%", "Notify _"}),
        ({"name": "Notify 100%"}, {"Notify 100%"}),
        ({"name": "Notify _"}, {"Notify _"}),
        ({"name": "otify"}, set()),
        ({"status": "error"}, set()),
    ],
)
@pytest.mark.usefixtures("made")
def test_a_filter_leaves_what_it_says(tenant: Tenant, query: dict[str, Any], left: set[str]) -> None:
    body = page(tenant, RULES, **query, include_total="true")

    assert set(names(body)) == left
    assert body["pagination"]["total"] == {"count": len(left), "exact": True}


def test_deleted_rules_are_on_a_list_of_their_own(tenant: Tenant, made: list[dict[str, Any]]) -> None:
    tenant.ask("DELETE", f"{RULES}/{made[0]['rule_id']}")

    there, gone = page(tenant, RULES), page(tenant, RULES, deleted="true")

    assert names(there) == [rule["name"] for rule in made[1:]]
    assert names(gone) == [made[0]["name"]]
    assert gone["data"][0]["deleted_at"]
    assert "execute" not in gone["data"][0]["_links"]


@pytest.mark.parametrize("query", ["status=gone", "name=", "deleted=1", "limit=0", "limit=101", "label=a", "offset=1"])
def test_what_is_asked_wrongly_is_named(tenant: Tenant, query: str) -> None:
    problem = problem_of(tenant.ask("GET", f"{RULES}?{query}"), 400, "invalid_parameter")

    assert [error["parameter"] for error in problem["errors"]] == [query.partition("=")[0]]


@pytest.mark.usefixtures("made")
def test_another_tenants_rules_are_on_no_page_and_its_cursors_worth_nothing(tenant: Tenant, stranger: Tenant) -> None:
    cursor = page(tenant, RULES, limit=1)["pagination"]["next_cursor"]

    assert names(page(stranger, RULES)) == []
    problem_of(stranger.ask("GET", RULES, params={"limit": 1, "cursor": cursor}), 400, "invalid_cursor")


def test_versions_say_who_changed_what(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    path = f"{RULES}/{rule['rule_id']}"
    condition = {"field": "trigger.total", "operator": "exists"}
    changes: list[dict[str, Any]] = [{"name": "Tell"}, {"name": "Tell", "status": "draft", "conditions": [condition]}]
    for change in changes:
        assert tenant.ask("PUT", path, json=rule_input(**change)).status_code == 200

    body = page(tenant, rule["_links"]["versions"]["href"])

    assert [(item["version"], item["changed"]) for item in body["data"]] == [
        (3, ["status", "conditions"]),
        (2, ["name"]),
        (1, []),
    ]
    assert {item["created_by"] for item in body["data"]} == {str(tenant.user)}
    assert body["data"][0]["created_at"] == tenant.ask("GET", path).json()["data"]["updated_at"]


def test_versions_are_followed_page_by_page_there_and_back(tenant: Tenant) -> None:
    path = f"{RULES}/{tenant.create_rule()['rule_id']}"
    for number in range(4):
        tenant.ask("PUT", path, json=rule_input(name=f"Change {number}"))

    there = list(followed(tenant, f"{path}/versions?limit=2"))
    back = list(followed(tenant, there[-1]["_links"]["self"]["href"], "prev"))

    assert [[item["version"] for item in body["data"]] for body in there] == [[5, 4], [3, 2], [1]]
    assert [[item["version"] for item in body["data"]] for body in back] == [[1], [3, 2], [5, 4]]


def test_a_version_is_what_the_rule_said_then(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    path = f"{RULES}/{rule['rule_id']}"
    tenant.ask("PUT", path, json=rule_input(name="Tell", status="draft"))

    version = tenant.ask("GET", f"{path}/versions/1").json()["data"]

    of_a_rule = {"updated_at", "_links", "created_at", "next_fire_at"}
    assert {name: version[name] for name in rule if name not in of_a_rule} == {
        name: value for name, value in rule.items() if name not in of_a_rule
    }
    assert [tenant.ask("GET", link["href"]).status_code for link in version["_links"].values()] == [200, 200, 200]


def test_a_version_that_never_was_and_one_of_no_rule_are_told_apart(tenant: Tenant, stranger: Tenant) -> None:
    path = f"{RULES}/{tenant.create_rule()['rule_id']}/versions"

    problem_of(tenant.ask("GET", f"{path}/2"), 404, "rule_version_not_found")
    problem_of(tenant.ask("GET", f"{path}/0"), 400, "invalid_parameter")
    problem_of(stranger.ask("GET", f"{path}/1"), 404, "rule_not_found")
    problem_of(stranger.ask("GET", path), 404, "rule_not_found")


def test_a_cursor_of_another_rules_versions_is_invalid(tenant: Tenant) -> None:
    paths = [f"{RULES}/{tenant.create_rule()['rule_id']}" for _ in range(2)]
    for path in paths:
        tenant.ask("PUT", path, json=rule_input(name="Tell"))
    cursor = page(tenant, f"{paths[0]}/versions", limit=1)["pagination"]["next_cursor"]

    problem_of(tenant.ask("GET", f"{paths[1]}/versions", params={"cursor": cursor}), 400, "invalid_cursor")
