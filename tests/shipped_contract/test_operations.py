"""Every operation of the shipped contract: its code is there, its errors are ours, its examples are shown."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from starlette.routing import compile_path

from automation.contract.checks.check import check
from automation.contract.compiled.contract import Contract
from automation.contract.document.outline import Entry
from automation.contract.serving.binding import bind
from automation.domain.errors import all_errors
from automation.service.application import HANDLERS, PROVIDED
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, NAMES, examples, responses

CONTRACT = Contract(DOCUMENT)
OPERATIONS = CONTRACT.operations.values()
PROBLEM = "application/problem+json"
BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

each_operation = pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
each_reading_operation = pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry.method == "get"], ids=lambda entry: entry.name
)
each_secured_operation = pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if not CONTRACT.operations[entry.name].public], ids=lambda entry: entry.name
)


def test_nothing_is_found_by_what_the_start_checks() -> None:
    assert [str(finding) for finding in check(DOCUMENT, handlers=HANDLERS, provided=PROVIDED)] == []


@each_operation
def test_it_has_a_handler_that_takes_what_it_has(entry: Entry) -> None:
    operation = CONTRACT.operations[entry.name]

    binding = bind(operation, HANDLERS, PROVIDED)

    assert binding.function.__name__ == operation.function
    assert binding.function.__doc__, "a handler says what it does"


@each_operation
def test_every_status_it_fails_with_is_one_of_the_error_tree(entry: Entry) -> None:
    known = {error.status for error in all_errors()}

    assert {status for status in responses(entry) if status >= HTTPStatus.BAD_REQUEST} <= known


@each_operation
def test_every_error_it_shows_is_one_of_the_error_tree(entry: Entry) -> None:
    known = {error.code: error for error in all_errors()}

    for status, response in responses(entry).items():
        for shown in examples(response.get("content", {}).get(PROBLEM, {})):
            error = known[shown["code"]]
            assert (shown["status"], error.status) == (status, status)
            assert (shown["title"], shown["type"]) == (error.title, f"/problems/{error.code}")
            assert shown["instance"] == f"urn:request:{shown['request_id']}"


@each_operation
def test_every_body_it_answers_with_is_shown_by_a_named_example(entry: Entry) -> None:
    for status, response in responses(entry).items():
        for content in response.get("content", {}).values():
            assert list(examples(content)), f"{status} has no example"


@each_operation
def test_every_answer_of_it_but_those_without_one_has_a_body(entry: Entry) -> None:
    bodiless = {status for status, response in responses(entry).items() if not response.get("content")}

    assert bodiless <= BODILESS


@each_operation
def test_every_answer_of_it_carries_the_request_id(entry: Entry) -> None:
    without = [status for status, response in responses(entry).items() if "X-Request-Id" not in response["headers"]]

    assert without == []


@each_operation
def test_its_statuses_are_in_ascending_order(entry: Entry) -> None:
    assert list(responses(entry)) == sorted(responses(entry))


@each_operation
def test_every_link_it_shows_leads_to_an_operation(entry: Entry) -> None:
    known = {(each.method, each.operation_id): compile_path(each.path)[0] for each in OPERATIONS}

    for name, link in shown_links(entry):
        its_method = link.get("method", "GET")
        address = link["href"].partition("?")[0]
        leads_to = {
            found for (method, found), path in known.items() if method == its_method and path.fullmatch(address)
        }
        assert leads_to, f"{name} leads nowhere"


@each_reading_operation
def test_the_links_it_documents_are_the_ones_its_body_has(entry: Entry) -> None:
    documented = {name for response in responses(entry).values() for name in response.get("links", {})}

    assert {name for name, _ in shown_links(entry)} - {"self"} == documented - {"self"}


def shown_links(entry: Entry) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the links in the bodies that an operation's examples show, each with its relation."""
    for response in responses(entry).values():
        for content in response.get("content", {}).values():
            for body in (example for example in examples(content) if isinstance(example, dict)):
                for part in (body, body.get("data", {})):
                    yield from part.get("_links", {}).items() if isinstance(part, dict) else ()


@each_secured_operation
def test_a_tenants_answer_is_kept_apart_by_key_and_tenant(entry: Entry) -> None:
    assert CONTRACT.operations[entry.name].vary == "x-api-key, x-tenant-id"


@each_secured_operation
def test_a_tenants_answer_says_who_may_keep_it(entry: Entry) -> None:
    (success, *_) = (response for status, response in responses(entry).items() if status < HTTPStatus.BAD_REQUEST)

    assert {"Cache-Control", "Vary"} <= success["headers"].keys()


@each_secured_operation
def test_every_answer_of_it_tells_what_is_left_of_the_limits_on_requests(entry: Entry) -> None:
    told = {"RateLimit", "RateLimit-Policy"}

    assert [status for status, response in responses(entry).items() if not told <= response["headers"].keys()] == []
