"""A finding leads to its line and column in the file, whatever words it names its place in."""

import pytest

from automation.contract.document.document import default_path, parse
from automation.contract.document.findings import Finding
from automation.contract.document.outline import entries, sites
from automation.contract.document.positions import Position, Positions

TEXT = default_path().read_text(encoding="utf-8")
SMALL = """\
openapi: 3.0.3
paths:
  /things/{id}:
    parameters:
      - name: id
      - name: other
    get:
      operationId: getThing
components:
  schemas: {A~B: {type: string}}
"""


@pytest.mark.parametrize(
    ("where", "position"),
    [
        ("#", (1, 1)),
        ("#/openapi", (1, 1)),
        ("#/paths", (2, 1)),
        ("#/paths/~1things~1{id}/parameters/1", (6, 9)),
        ("#/paths/~1things~1{id}/parameters/1/name", (6, 9)),
        ("GET /things/{id}", (7, 5)),
        ("#/components/schemas/A~0B/type", (10, 19)),
        ("line 3, column 7", (3, 7)),
    ],
)
def test_a_place_is_where_its_key_or_item_begins(where: str, position: tuple[int, int]) -> None:
    assert Positions(SMALL).locate(Finding(where, "is odd")) == position


@pytest.mark.parametrize(
    ("where", "position"),
    [
        ("#/paths/~1things~1{id}/get/responses/200", (7, 5)),
        ("#/paths/~1things~1{id}/parameters/7", (4, 5)),
        ("POST /things/{id}", (3, 3)),
        ("getThing", (1, 1)),
    ],
)
def test_what_is_not_in_the_text_is_where_it_would_be(where: str, position: tuple[int, int]) -> None:
    assert Positions(SMALL).locate(Finding(where, "is missing")) == position


@pytest.mark.parametrize("text", ["", "a: [", "a: " + "[" * 5000, "\x00"])
def test_a_text_that_is_not_yaml_has_only_a_beginning(text: str) -> None:
    assert Positions(text).locate(Finding("#/paths", "is missing")) == Position(1, 1)


def test_every_part_of_the_shipped_contract_has_a_place_of_its_own() -> None:
    document = parse(TEXT)
    positions = Positions(TEXT)
    wheres = {site.where for site in sites(document)} | {entry.where for entry in entries(document)}

    lost = [where for where in wheres - {"#"} if positions.locate(Finding(where, "")) == Position(1, 1)]

    assert not lost
