"""The shipped contract reads the way the house style says, so that a new operation has one place to go."""

import pytest

from automation.contract.document.outline import Entry
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, NAMES

SECTIONS = ["openapi", "info", "servers", "tags", "security", "paths", "components"]
FIELDS = [
    *("operationId", "tags", "summary", "description", "security", "x-required-permission", "x-hook-token"),
    *("x-max-body-bytes", "x-raw-body", "x-raw-headers"),
    *("parameters", "requestBody", "responses"),
]


def test_its_sections_are_in_order() -> None:
    assert list(DOCUMENT) == SECTIONS


LAST = "Contract"
"""The tag that nobody looks for first."""


def place(tag: str) -> tuple[bool, str]:
    """Return what tags are sorted by."""
    return tag == LAST, tag


def test_its_tags_are_sorted_described_and_used() -> None:
    names = [tag["name"] for tag in DOCUMENT["tags"]]

    assert names == sorted(names, key=place)
    assert all(tag["description"] for tag in DOCUMENT["tags"])
    assert set(names) == {entry.node["tags"][0] for entry in ENTRIES}


def test_its_operations_are_grouped_by_tag_and_sorted_by_path() -> None:
    places = [(place(entry.node["tags"][0]), entry.path) for entry in ENTRIES]

    assert places == sorted(places)


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_an_operations_fields_are_in_order(entry: Entry) -> None:
    fields = list(entry.node)

    assert fields == sorted(fields, key=FIELDS.index)


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_path_parameters_stand_at_the_path(path: str) -> None:
    item = DOCUMENT["paths"][path]

    own = [each for method in item.values() if isinstance(method, dict) for each in method.get("parameters", [])]

    assert not [
        each for each in own if DOCUMENT["components"]["parameters"][each["$ref"].split("/")[-1]]["in"] == "path"
    ]


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_parameters_and_errors_are_components(entry: Entry) -> None:
    errors = [response for status, response in entry.node["responses"].items() if int(status) >= 400]

    assert all("$ref" in each for each in (*entry.node.get("parameters", []), *errors))


@pytest.mark.parametrize("section", DOCUMENT["components"])
def test_components_are_named_by_meaning_in_pascal_case(section: str) -> None:
    assert all(name.isalnum() and name[0].isupper() for name in DOCUMENT["components"][section])
