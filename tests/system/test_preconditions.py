"""Every operation honours the preconditions that its contract names, and refuses those that it doesn't."""

from itertools import product
from uuid import uuid4

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.document.outline import Entry
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, responses
from tests.system.problems import problem_of
from tests.system.tenancy import Tenant
from tests.system.writes import WRITES, state, write

OPERATIONS = Contract(DOCUMENT).operations
MALFORMED = ("of something else", '"a" "b"', '"a', '"a", b', 'w/"a"', '*, "a"')
WITHOUT_ENTITY_TAG = {"putAutomationSecret", "deleteAutomationSecret"}
"""What changes something that nobody has read: a secret's value is replaced whole, whatever it was."""
PRECONDITIONS = ("if-match", "if-none-match")


def takes(entry: Entry, header: str) -> bool:
    """Return whether an operation names a header among its parameters."""
    return any(each["in"] == "header" and each["name"].lower() == header for each in entry.parameters)


def has_etag(path: str) -> bool:
    """Return whether what is at a path has an entity tag."""
    reads = [entry for entry in ENTRIES if entry.path == path and entry.method == "get"]
    return any("ETag" in response["headers"] for entry in reads for response in responses(entry).values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_has_an_entity_tag_takes_both_preconditions(entry: Entry) -> None:
    if entry.method == "post" or not has_etag(entry.path):
        reason = "it changes something that has no entity tag: say here why"
        assert entry.method in {"get", "post"} or entry.name in WITHOUT_ENTITY_TAG, reason
    else:
        assert [takes(entry, header) for header in PRECONDITIONS] == [True, True]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_precondition_that_an_operation_does_not_take_is_refused_and_named(entry: Entry, tenant: Tenant) -> None:
    path = entry.path.replace("{id}", str(uuid4())).replace("{version}", "1").replace("{name}", "NAME")
    if "{token}" in path:
        path = tenant.create_hook()

    for header in OPERATIONS[entry.name].refused_preconditions:
        problem = problem_of(tenant.ask(entry.method.upper(), path, {header: "*"}), 400, "invalid_parameter")
        assert [error["parameter"] for error in problem["errors"]] == [header]


@pytest.mark.parametrize("entry", [entry for entry in WRITES if takes(entry, "if-match")], ids=lambda entry: entry.name)
@pytest.mark.parametrize(("header", "value"), [("if-match", '"of-something-else"'), ("if-none-match", "*")])
def test_a_write_whose_precondition_fails_changes_nothing(
    entry: Entry, tenant: Tenant, header: str, value: str
) -> None:
    request = write(entry, tenant)
    before = state(tenant)

    problem_of(request.send(**{header: value}), 412, "precondition_failed")

    assert state(tenant) == before


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if takes(entry, "if-match")], ids=lambda entry: entry.name
)
def test_a_precondition_that_is_no_list_of_tags_is_refused(entry: Entry, tenant: Tenant) -> None:
    path = entry.path.replace("{id}", str(uuid4())).replace("{version}", "1")
    headers = ["if-match"] if entry.method == "get" else ["if-match", "if-none-match"]

    for header, value in product(headers, MALFORMED):
        problem = problem_of(tenant.ask(entry.method.upper(), path, {header: value}), 400, "invalid_parameter")
        assert [error["parameter"].lower() for error in problem["errors"]] == [header]


@pytest.mark.parametrize("entry", [entry for entry in WRITES if takes(entry, "if-match")], ids=lambda entry: entry.name)
def test_a_write_that_is_meant_for_what_is_no_longer_there_changes_nothing(entry: Entry, tenant: Tenant) -> None:
    request = write(entry, tenant)
    current = tenant.ask("GET", request.path).headers["etag"]
    before = state(tenant)

    problem_of(request.send(**{"if-match": f'{current[:-1]}0"'}), 412, "precondition_failed")
    problem_of(request.send(**{"if-none-match": current}), 412, "precondition_failed")

    assert state(tenant) == before
