"""Entity tags: what has one is not sent again to who has it, and only under the conditions of who asks."""

import pytest

from automation.contract.document.outline import Entry
from tests.shipped_contract.shipped import ENTRIES, responses
from tests.system.problems import problem_of
from tests.system.tenancy import EXECUTIONS, RULES, Tenant
from tests.system.writes import MAKERS

TAGGED = [
    entry
    for entry in ENTRIES
    if entry.method == "get" and any("ETag" in response["headers"] for response in responses(entry).values())
]
of_each = pytest.mark.parametrize("entry", TAGGED, ids=lambda entry: entry.name)


PERIOD = "?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z"
"""One that is over: of any other, what is known changes every few seconds."""


def path_of(entry: Entry, tenant: Tenant) -> str:
    """Return the path of something that an operation finds."""
    collection = entry.path.partition("/{id}")[0]
    made = MAKERS[collection][0](tenant) if "{id}" in entry.path else ""
    path = entry.path.replace("{id}", made).replace("{version}", "1")
    return f"{path}{PERIOD}" if path.endswith("/statistics") else path


@of_each
def test_what_a_client_has_is_not_sent_again(tenant: Tenant, entry: Entry) -> None:
    path = path_of(entry, tenant)
    first = tenant.ask("GET", path)
    etag = first.headers["etag"]

    answers = [
        tenant.ask("GET", path, {"if-none-match": known})
        for known in (etag, f"W/{etag}", f'"another", {etag}', "*", f'{etag} , "another"')
    ]

    assert first.status_code == 200
    assert [(each.status_code, each.content, each.headers["etag"]) for each in answers] == [(304, b"", etag)] * 5
    assert {each.headers["cache-control"] for each in (first, *answers)} == {first.headers["cache-control"]}
    assert {each.headers.get("vary") for each in (first, *answers)} == {first.headers.get("vary")}
    assert "no-store" not in first.headers["cache-control"]


@of_each
def test_what_a_client_does_not_have_is_sent(tenant: Tenant, entry: Entry) -> None:
    path = path_of(entry, tenant)
    first = tenant.ask("GET", path)
    etag = first.headers["etag"]

    for known in ('"another"', etag[1:-1], etag[:-1], f'{etag[:-1]}0"', f'"0{etag[1:]}'):
        answer = tenant.ask("GET", path, {"if-none-match": known})

        assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, first.content, etag)


@of_each
def test_what_a_client_expects_is_sent_and_nothing_else(tenant: Tenant, entry: Entry) -> None:
    path = path_of(entry, tenant)
    etag = tenant.ask("GET", path).headers["etag"]

    expected = [tenant.ask("GET", path, {"if-match": each}).status_code for each in (etag, f'"another", {etag}', "*")]
    unexpected = [
        tenant.ask("GET", path, {"if-match": each, "if-none-match": etag}) for each in ('"another"', f"W/{etag}")
    ]

    assert expected == [200] * 3
    for answer in unexpected:
        problem_of(answer, 412, "precondition_failed")
    assert tenant.ask("GET", path, {"if-match": etag, "if-none-match": etag}).status_code == 304


@of_each
def test_who_may_not_read_is_not_told_that_nothing_changed(tenant: Tenant, stranger: Tenant, entry: Entry) -> None:
    if "x-required-permission" not in entry.node:
        assert entry.node["security"] == []
        return
    path = path_of(entry, tenant)
    etag = tenant.ask("GET", path).headers["etag"]

    answer = stranger.ask("GET", path, {"if-none-match": etag})

    assert tenant.client.get(path, headers={"if-none-match": etag}).status_code == 401
    assert answer.status_code in {200, 404} or stranger.ask("GET", path).headers["etag"] == etag


@pytest.mark.parametrize("path", [EXECUTIONS, RULES])
def test_the_tag_of_one_page_is_known_of_no_other(tenant: Tenant, stranger: Tenant, path: str) -> None:
    queries = ("", "?limit=2", "?sort=created_at", "?include_total=true", "?label=a:b")
    asked = [(who, f"{path}{query}") for who in (tenant, stranger) for query in queries]

    tags = [who.ask("GET", page).headers["etag"] for who, page in asked]

    assert len(set(tags)) == len(tags)
    for (who, page), other in zip(asked, tags[1:] + tags[:1], strict=True):
        assert who.ask("GET", page, {"if-none-match": other}).status_code == 200
