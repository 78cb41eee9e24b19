"""Lists as programs read them, and what people complain of elsewhere: filters that are ignored, pages that repeat."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.system.paging import followed, page
from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, Tenant

LINK = re.compile(r'<([^>]*)>; rel="(\w+)"')
FILTERS: dict[str, Any] = {
    "status": ["pending", "failed"],
    "trigger_type": "manual",
    "created_from": "2026-01-01T02:00:00+02:00",
    "created_to": "2999-01-01T00:00:00Z",
    "attempt_min": "1",
}


def ids(body: Any) -> list[str]:
    return [item["execution_id"] for item in body["data"]]


@pytest.fixture
def made(tenant: Tenant) -> list[str]:
    """The ids of the tenant's executions, the newest first."""
    rule = tenant.create_rule()
    return [tenant.execute(rule)["execution_id"] for _ in range(5)][::-1]


def test_all_statuses_are_there_and_the_newest_come_first(tenant: Tenant, made: list[str]) -> None:
    failed = tenant.add_failed_execution(tenant.create_rule()).rpartition("/")[2]

    body = page(tenant)

    assert ids(body) == [failed, *made]
    assert body["pagination"] == {"limit": 25, "has_more": False, "next_cursor": None, "previous_cursor": None}
    assert {item["status"] for item in body["data"]} == {"pending", "failed"}
    assert not {"logs", "trigger_data", "execution_context", "error_stack"} & body["data"][0].keys()


def test_pages_are_followed_by_their_links_there_and_back(tenant: Tenant, made: list[str]) -> None:
    there = list(followed(tenant, f"{EXECUTIONS}?limit=2"))
    back = list(followed(tenant, there[-1]["_links"]["self"]["href"], "prev"))

    assert [ids(body) for body in there] == [made[:2], made[2:4], made[4:]]
    assert [ids(body) for body in back] == [made[4:], made[2:4], made[:2]]
    assert {body["_links"]["first"]["href"] for body in there} == {there[0]["_links"]["self"]["href"]}


def test_pages_are_followed_by_their_cursors(tenant: Tenant, made: list[str]) -> None:
    first = page(tenant, limit=4, sort="created_at")
    second = page(tenant, limit=3, sort="created_at", cursor=first["pagination"]["next_cursor"])

    assert ids(first) + ids(second) == made[::-1]
    assert (first["pagination"]["has_more"], second["pagination"]["has_more"]) == (True, False)


def test_the_link_header_says_what_the_body_says(tenant: Tenant, made: list[str]) -> None:
    second = tenant.ask("GET", page(tenant, limit=2)["_links"]["next"]["href"])

    named = {relation: {"href": href} for href, relation in LINK.findall(second.headers["link"])}

    assert made
    assert named == {name: link for name, link in second.json()["_links"].items() if name != "self"}
    assert named.keys() == {"first", "next", "prev"}


@pytest.mark.usefixtures("made")
def test_every_link_keeps_every_filter(tenant: Tenant) -> None:
    asked = {**FILTERS, "limit": "2", "sort": "created_at", "include_total": "true"}
    body = next(followed(tenant, page(tenant, **asked)["_links"]["next"]["href"]))

    assert body["_links"].keys() == {"self", "first", "next", "prev"}
    for link in body["_links"].values():
        query = parse_qs(urlsplit(link["href"]).query)
        query.pop("cursor", None)
        assert query == {
            **{name: [value] for name, value in asked.items()},
            "status": ["pending", "failed"],
            "created_from": ["2026-01-01T00:00:00.000000Z"],
            "created_to": ["2999-01-01T00:00:00.000000Z"],
        }


def test_every_link_of_an_item_leads_somewhere(tenant: Tenant, made: list[str]) -> None:
    item = page(tenant, limit=1)["data"][0]

    whole = tenant.ask("GET", item["_links"]["self"]["href"]).json()["data"]

    assert whole["_links"] == item["_links"]
    assert [tenant.ask("GET", item["_links"][name]["href"]).status_code for name in ("rule", "attempts")] == [200, 200]
    assert item["execution_id"] == made[0]


def test_a_page_repeats_nothing_and_hides_nothing_while_others_insert(tenant: Tenant, made: list[str]) -> None:
    rule = tenant.create_rule()
    seen: list[str] = []

    for body in followed(tenant, f"{EXECUTIONS}?limit=1"):
        seen += ids(body)
        tenant.execute(rule)

    assert seen == made


OF_ENDS = {
    "completed_from": "2026-11-02T00:00:00Z",
    "completed_to": "2026-11-02T00:00:00Z",
    "duration_min_ms": "1",
    "duration_max_ms": "1",
    "error_contains": "x",
}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", {"limit"}),
        ("limit=101", {"limit"}),
        ("limit=-1", {"limit"}),
        ("limit=ten", {"limit"}),
        ("limit=1&limit=2", {"limit"}),
        ("page=2", {"page"}),
        ("offset=10", {"offset"}),
        ("state=failed", {"state"}),
        ("status=broken", {"status"}),
        ("status=failed,timeout", {"status"}),
        ("Status=failed", {"Status"}),
        ("automation_rule_id=mine", {"automation_rule_id"}),
        ("sort=name", {"sort"}),
        ("include_total=yes", {"include_total"}),
        ("created_from=yesterday", {"created_from"}),
        ("created_from=2026-11-02", {"created_from"}),
        ("created_from=2026-11-02T10:15:30", {"created_from"}),
        ("created_from=2026-11-02T10:15:30+02:00", {"created_from"}),
        ("created_from=2026-11-02T00:00:00Z&created_to=2026-11-01T00:00:00Z", {"created_from", "created_to"}),
        ("started_from=2026-11-02T00:00:00Z&started_to=2026-11-02T02:00:00%2B02:00", {"started_from", "started_to"}),
        ("completed_from=2026-11-02T00:00:00Z&completed_to=2026-11-02T00:00:00Z", {"completed_from", "completed_to"}),
        ("duration_min_ms=2&duration_max_ms=1", {"duration_min_ms", "duration_max_ms"}),
        ("created_from=2026-11-02T00:00:00Z&started_to=2026-11-02T00:00:00Z", {"created_from", "started_to"}),
        ("created_from=2026-11-02T00:00:00Z&completed_to=2026-11-01T00:00:00Z", {"created_from", "completed_to"}),
        ("started_from=2026-11-02T00:00:00Z&completed_to=2026-11-01T00:00:00Z", {"started_from", "completed_to"}),
        ("status=pending&started_from=2026-11-02T00:00:00Z", {"status", "started_from"}),
        ("status=pending&started_to=2026-11-02T00:00:00Z", {"status", "started_to"}),
        *(
            (f"{statuses}&{name}={value}", {"status", name})
            for statuses in ("status=pending", "status=running", "status=running&status=pending")
            for name, value in OF_ENDS.items()
        ),
        ("duration_min_ms=-1", {"duration_min_ms"}),
        ("error_contains=", {"error_contains"}),
        ("attempt_min=0", {"attempt_min"}),
    ],
)
def test_what_is_asked_wrongly_is_named_and_never_ignored(tenant: Tenant, query: str, named: set[str]) -> None:
    response = tenant.ask("GET", f"{EXECUTIONS}?{query}")

    problem = problem_of(response, 400, "invalid_parameter")
    assert {error["parameter"] for error in problem["errors"]} == named


@pytest.mark.parametrize(
    "query",
    [
        "status=pending&status=failed&completed_from=2026-11-02T00:00:00Z",
        "status=running&started_from=2026-11-02T00:00:00Z",
        "status=pending&created_from=2026-11-02T00:00:00Z",
        "started_to=2026-11-02T00:00:00Z&completed_from=2026-11-02T00:00:00Z",
        "created_to=2026-11-02T00:00:00Z&completed_from=2026-11-03T00:00:00Z",
    ],
)
def test_what_something_can_meet_is_asked_for(tenant: Tenant, query: str) -> None:
    assert tenant.ask("GET", f"{EXECUTIONS}?{query}").status_code == 200


def test_a_plus_that_became_a_blank_is_explained(tenant: Tenant) -> None:
    response = tenant.ask("GET", f"{EXECUTIONS}?created_from=2026-11-02T10:15:30+02:00")

    assert "%2B" in problem_of(response, 400, "invalid_parameter")["errors"][0]["message"]


@pytest.mark.parametrize("limit", [1, 100])
def test_a_limit_may_be_as_small_and_as_large_as_it_says(tenant: Tenant, limit: int) -> None:
    assert page(tenant, limit=limit)["pagination"]["limit"] == limit


@pytest.mark.usefixtures("made")
def test_a_cursor_of_another_tenant_filter_or_order_is_invalid(tenant: Tenant, stranger: Tenant) -> None:
    cursor = page(tenant, limit=2)["pagination"]["next_cursor"]

    answers = [
        stranger.ask("GET", EXECUTIONS, params={"limit": 2, "cursor": cursor}),
        tenant.ask("GET", EXECUTIONS, params={"limit": 2, "cursor": cursor, "status": "pending"}),
        tenant.ask("GET", EXECUTIONS, params={"limit": 2, "cursor": cursor, "sort": "created_at"}),
        tenant.ask("GET", EXECUTIONS, params={"limit": 2, "cursor": cursor[:-2] + "AA"}),
        tenant.ask("GET", EXECUTIONS, params={"limit": 2, "cursor": "nonsense"}),
    ]

    for answer in answers:
        problem_of(answer, 400, "invalid_cursor")
    assert page(tenant, limit=1, cursor=cursor)["data"]


@pytest.mark.usefixtures("made")
def test_a_total_is_counted_where_it_is_asked_for(tenant: Tenant) -> None:
    body = page(tenant, limit=2, include_total="true")

    assert body["pagination"]["total"] == {"count": 5, "exact": True}
    assert "total" not in page(tenant, limit=2)["pagination"]


@pytest.mark.usefixtures("made")
def test_executions_of_another_tenant_are_on_no_page(stranger: Tenant) -> None:
    assert ids(page(stranger)) == []


def test_a_page_of_a_hundred_stays_small(tenant: Tenant) -> None:
    rule = tenant.create_rule()
    for _ in range(3):
        tenant.add_failed_execution(rule)

    response: httpx.Response = tenant.ask("GET", EXECUTIONS)

    assert len(response.content) / 3 * 100 < 102_400
