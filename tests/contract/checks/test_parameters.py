"""A path or parameter that would not be read as it is written is found before it is served."""

import pytest

from tests.contract.sample import GET, PARAMETER, Cases, Change, found, with_parameter, with_path
from tests.contract.tiny import STRING, Json, operation, parameter

CASES: Cases = {
    "cookie": (
        with_parameter(parameter("a", "cookie", STRING)),
        f"{PARAMETER}: is a cookie parameter, which is not read",
    ),
    "reserved header": (
        with_parameter(parameter("Accept", "header", STRING)),
        f"{PARAMETER}: Accept can't be a parameter: OpenAPI has it ignored",
    ),
    "style": (
        with_parameter(parameter("X-A", "header", STRING, style="form")),
        f'{PARAMETER}/style: "form" is not one of "simple"',
    ),
    "explode": (
        with_parameter(parameter("X-A", "header", {"type": "array", "items": STRING}, explode=True)),
        f"{PARAMETER}: its explode is not the default, and not decoded",
    ),
    "object": (
        with_parameter(parameter("X-A", "header", {"type": "object"})),
        f"{PARAMETER}: its type object is not decoded in a header",
    ),
    "object of numbers": (
        with_parameter(parameter("a", "query", {"type": "object", "additionalProperties": {"type": "number"}})),
        f"{PARAMETER}: is an object of something else than any query parameters, strings all of them",
    ),
    "no type": (
        with_parameter(parameter("X-A", "header", {})),
        f"{PARAMETER}: its type (none) is not decoded in a header",
    ),
    "nullable parameter": (
        with_parameter(parameter("X-A", "header", {"type": "string", "nullable": True})),
        f"{PARAMETER}: can't be nullable: a parameter has no way to be null",
    ),
    "content": (
        with_parameter({"name": "X-A", "in": "header", "description": "A.", "content": {"application/json": {}}}),
        f"{PARAMETER}: has no schema; content is not decoded here",
    ),
    "one name twice": (
        with_parameter(parameter("ID", "header", STRING)),
        f"{GET}: has 2 things that its handler would get as id",
    ),
    "undeclared path parameter": (
        with_path("/other/{key}", operation("getThing2")),
        "GET /other/{key}: does not declare the path parameter key",
    ),
    "path parameter in no path": (
        with_path("/other", operation("getThing2", parameters=[parameter("key", "path", STRING)])),
        "GET /other: declares the path parameter key, which is not in its path",
    ),
    "slash": (with_path("/other/", operation("getThing2")), "/other/: ends with a slash: no path but / may"),
    "same path": (
        with_path("/things/{key}", operation("getThing2"), parameters=[parameter("key", "path", STRING)]),
        "/things/{key}: is ambiguous: a request for it could also mean /things/{id}",
    ),
    "crossing paths": (
        with_path("/{key}/mine", operation("getThing2"), parameters=[parameter("key", "path", STRING)]),
        "/{key}/mine: is ambiguous: a request for it could also mean /things/{id}",
    ),
}


@pytest.mark.parametrize(("change", "finding"), CASES.values(), ids=CASES.keys())
def test_a_thing_that_is_wrong_is_found(sound: Json, change: Change, finding: str) -> None:
    change(sound)

    assert finding in found(sound)
