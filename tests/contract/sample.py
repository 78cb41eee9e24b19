"""A contract in which nothing is wrong, and the places in it where a test makes something wrong."""

import copy
from collections.abc import Callable
from typing import Any

from automation.contract.checks.check import check
from tests.contract.tiny import PACKAGE, UUID_STRING, Json, answer, contract, parameter, secured, writing

Change = Callable[[Json], Any]
Cases = dict[str, tuple[Change, str]]

GET = "GET /things/{id}"
GET_POINTER = "#/paths/~1things~1{id}/get"
PARAMETER = f"{GET_POINTER}/parameters/0"
PROPERTY = "#/components/schemas/Thing/properties/x"
EXAMPLE = f"{GET_POINTER}/responses/200/content/application~1json/examples/thing"


async def get_thing(id: object) -> None:
    """Stand for the handler of getThing."""


async def put_thing(id: object, body: object) -> None:
    """Stand for the handler of putThing."""


def security_function() -> None:
    """Stand for the scheme's function."""


IDEMPOTENCY_KEY = parameter("Idempotency-Key", "header", {"type": "string"})


def sound() -> Json:
    """Return a contract in which nothing is wrong, to make something wrong in."""
    linked = {"self": {"operationId": "getThing", "parameters": {"id": "$response.body#/id"}}}
    shown = {"thing": {"summary": "A thing", "value": {"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}}}
    response = answer({"$ref": "#/components/schemas/Thing"}, links=linked)
    response["content"]["application/json"]["examples"] = shown
    thing = {"type": "object", "required": ["id"], "properties": {"id": UUID_STRING}}
    item = {
        "parameters": [parameter("id", "path", UUID_STRING)],
        "get": secured(responses={"200": response}),
        "put": writing("putThing", {"$ref": "#/components/schemas/Thing"}, parameters=[IDEMPOTENCY_KEY]),
    }
    described = contract({"/things/{id}": item}, schemas={"Thing": thing})
    described["components"]["securitySchemes"]["ApiKey"]["x-apikeyInfoFunc"] = (
        f"{__name__}.{security_function.__name__}"
    )
    return copy.deepcopy(described)


def found(document: Json) -> list[str]:
    """Return what is found wrong, a line for each thing."""
    return [str(each) for each in check(document, handlers=PACKAGE)]


def get(document: Json) -> Json:
    """Return the GET operation."""
    described: Json = document["paths"]["/things/{id}"]["get"]
    return described


def put(document: Json) -> Json:
    """Return the PUT operation."""
    described: Json = document["paths"]["/things/{id}"]["put"]
    return described


def thing(document: Json) -> Json:
    """Return the schema of a thing."""
    schema: Json = document["components"]["schemas"]["Thing"]
    return schema


def ok(document: Json) -> Json:
    """Return the GET operation's 200."""
    response: Json = get(document)["responses"]["200"]
    return response


def with_parameter(definition: Json) -> Change:
    """Return the change that gives the GET operation this one parameter."""
    return lambda document: get(document).update(parameters=[definition])


def with_property(schema: Json) -> Change:
    """Return the change that gives a thing a property of this schema."""
    return lambda document: thing(document)["properties"].update(x=schema)


def with_path(path: str, described: Json, **item: Any) -> Change:
    """Return the change that adds a path with a GET operation."""
    return lambda document: document["paths"].update({path: {"get": described, **item}})
