"""Links lead to operations of the contract, or aren't made."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from automation.contract.compiled.contract import Contract
from automation.contract.compiled.links import Links
from tests.contract.tiny import STRING, UUID_STRING, contract, operation, parameter

ID = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
OTHER = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def links(base_path: str = "") -> Links:
    query = [
        parameter("pageSize", "query", {"type": "integer"}),
        parameter("exact", "query", {"type": "boolean"}),
        parameter("tag", "query", {"type": "array", "items": STRING}),
        parameter("since", "query", {"type": "string", "format": "date-time"}),
    ]
    paths = {
        "/things/{thing-id}": {"parameters": [parameter("thing-id", "path", UUID_STRING)], "get": operation()},
        "/things/{thing-id}/retry": {
            "parameters": [parameter("thing-id", "path", UUID_STRING)],
            "post": operation("retryThing"),
        },
        "/names/{name}": {"parameters": [parameter("name", "path", STRING)], "get": operation("getName")},
        "/things": {"get": operation("listThings", parameters=query)},
        "/rows/{id}": {"parameters": [parameter("id", "path", UUID_STRING)], "delete": operation("deleteRow")},
        "/cells/{id}": {"parameters": [parameter("id", "path", UUID_STRING)], "get": operation("getCell")},
    }
    return Contract(contract(paths), base_path=base_path).links


@pytest.mark.parametrize(
    ("operation_id", "parameters", "href"),
    [
        ("getThing", {"thing_id": ID}, f"/things/{ID}"),
        ("getName", {"name": "a b/ä{}?"}, "/names/a%20b%2F%C3%A4%7B%7D%3F"),
        ("listThings", {}, "/things"),
        ("listThings", {"page_size": 5, "exact": True, "tag": None}, "/things?pageSize=5&exact=true"),
        ("listThings", {"tag": ["a", "b c"]}, "/things?tag=a&tag=b+c"),
        ("listThings", {"tag": []}, "/things"),
        ("listThings", {"page_size": None, "exact": None, "tag": None, "since": None}, "/things"),
        (
            "listThings",
            {"since": datetime(2026, 11, 2, 10, tzinfo=timezone(timedelta(hours=2)))},
            "/things?since=2026-11-02T08%3A00%3A00.000000Z",
        ),
    ],
)
def test_an_address_is_made_from_an_operation_id(operation_id: str, parameters: dict[str, Any], href: str) -> None:
    assert links().href(operation_id, **parameters) == href


def test_relations_are_written_with_each_ones_identifier_and_without_those_that_lead_to_no_operation() -> None:
    made = links("/100%/%(row)s")
    relations = (("self", "getCell", "cell"), ("row", "deleteRow", "row"), ("plan", "getPlan", "row"))

    first, second = (made.written(relations, cell=cell, row=row) for cell, row in ((ID, OTHER), (OTHER, ID)))

    assert json.loads(first) == {
        "self": {"href": f"/100%/%(row)s/cells/{ID}"},
        "row": {"href": f"/100%/%(row)s/rows/{OTHER}", "method": "DELETE"},
    }
    assert json.loads(second) == {
        "self": {"href": f"/100%/%(row)s/cells/{OTHER}"},
        "row": {"href": f"/100%/%(row)s/rows/{ID}", "method": "DELETE"},
    }


def test_a_link_names_its_method_unless_it_is_get() -> None:
    assert links().link("getThing", thing_id=ID) == {"href": f"/things/{ID}"}
    assert links().link("retryThing", thing_id=ID) == {"href": f"/things/{ID}/retry", "method": "POST"}


def test_a_link_to_an_operation_that_is_not_in_the_contract_is_not_made() -> None:
    assert links().link("deleteThing", thing_id=ID) is None


def test_the_base_path_comes_first() -> None:
    assert links("/prefix").href("listThings") == "/prefix/things"


@pytest.mark.parametrize(
    ("parameters", "named"), [({}, "none"), ({"id": ID}, "id"), ({"thing_id": ID, "other": 1}, "other, thing_id")]
)
def test_other_parameters_than_the_operation_has_are_a_mistake(parameters: dict[str, Any], named: str) -> None:
    with pytest.raises(TypeError, match=f"than {named}$"):
        links().link("getThing", **parameters)


def test_an_address_of_an_unknown_operation_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        links().href("deleteThing")
