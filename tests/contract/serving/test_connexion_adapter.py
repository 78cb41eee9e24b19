"""Canaries: one for each thing inside Connexion and Starlette that the adapter relies on, or mends.

When one of these fails after an upgrade, ``automation/contract/serving/connexion_adapter.py`` is the module to look at.
"""

import gc
import inspect
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import connexion
import pytest
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.abstract import ROUTING_CONTEXT, RoutedMiddleware, SpecMiddleware
from connexion.middleware.exceptions import ExceptionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.routing import RoutingAPI, RoutingMiddleware
from connexion.middleware.security import SecurityMiddleware, SecurityOperation
from connexion.resolver import Resolution, Resolver
from connexion.spec import Specification
from starlette.routing import Route

from automation.contract.compiled.contract import Contract
from automation.contract.serving import request_context
from automation.contract.serving.connexion_adapter import (
    CONTEXT,
    ExactRouting,
    Exceptions,
    assemble,
)
from automation.contract.serving.endpoint import Endpoint, endpoint
from automation.contract.serving.routing_document import routing_document
from automation.domain.errors import ApiKeyExpired, PathNotFound
from tests.contract.tiny import (
    PRINCIPAL,
    UUID_STRING,
    Scheme,
    client,
    contract,
    explain,
    operation,
    parameter,
    secured,
)

THING = {"/things/{id}": {"parameters": [parameter("id", "path", UUID_STRING)], "get": secured()}}


@asynccontextmanager
async def nothing(_app: object) -> AsyncIterator[None]:
    yield


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    raise PathNotFound


class Known(Resolver):  # type: ignore[misc]  # Connexion has no types
    """Resolves every operation to the same function."""

    def resolve(self, operation: Any) -> Resolution:
        return Resolution(refuse, operation.operation_id)


class Connected:
    """What a route leads to, which is no function."""


def endpoints(document: Any) -> list[Endpoint]:
    compiled = Contract(document)
    return [endpoint(compiled, each, unreached) for each in compiled.operations.values()]


async def unreached(_scope: Any) -> Any:
    raise AssertionError


def assembled(app: Any = refuse, **arguments: Any) -> Any:
    document = arguments.pop("document", contract(THING))
    return assemble(
        app,
        document=document,
        base_path=arguments.pop("base_path", ""),
        endpoints=endpoints(document),
        security_map={"apiKey": arguments.pop("security", Scheme)},
        layers=arguments.pop("layers", []),
        error_handler=arguments.pop("error_handler", explain),
        lifespan=arguments.pop("lifespan", nothing),
    )


def test_connexion_is_the_version_that_was_read() -> None:
    assert version("connexion").startswith("3.3.")


def test_the_stack_is_complete_before_the_first_request() -> None:
    stack = assembled()

    assert isinstance(stack, ConnexionMiddleware)
    kinds = [type(layer) for layer in stack.middleware_stack if isinstance(layer, SpecMiddleware | ExceptionMiddleware)]
    assert kinds == [Exceptions, ExactRouting, SecurityMiddleware]


def test_connexion_puts_the_routes_into_a_router_as_it_reads_the_document() -> None:
    operations = []

    class Routes(RoutingAPI):  # type: ignore[misc]  # Connexion has no types
        def make_operation(self, operation: Any) -> Any:
            operations.append(operation)
            return Connected()

        def _framework_path_and_name(self, operation: Any, path: str) -> tuple[str, str]:
            found, name = super()._framework_path_and_name(operation, path)
            return f"/below{found}", name

    specification = Specification.load(routing_document(contract(THING)))
    api = Routes(specification, base_path="/below", next_app=refuse, resolver=Known())

    (route,) = api.router.routes
    assert isinstance(route, Route)
    assert (route.path, route.methods) == ("/below/things/{id}", {"GET", "HEAD"})
    assert isinstance(route.app, Connected)
    assert [each.function for each in operations] == [refuse]


def test_the_router_is_given_a_contract_with_a_base_path() -> None:
    assert {"specification", "base_path"} <= inspect.signature(RoutingMiddleware.add_api).parameters.keys()


def test_starlettes_patterns_match_a_path_as_a_whole() -> None:
    pattern = Route("/things/{id}/x", refuse, methods=["GET"]).path_regex

    assert pattern.fullmatch("/things/a/x")
    assert not pattern.fullmatch("/things/a/x\n")
    assert not pattern.fullmatch("/things/a/b/x")


async def test_the_operation_is_found_where_connexion_leaves_it() -> None:
    seen = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["extensions"], scope["path_params"]))
        raise PathNotFound

    await client(assembled(look)).get("/things/a", headers={"x-api-key": "a"})

    extensions, path_parameters = seen[0]
    assert extensions[ROUTING_CONTEXT]["operation_id"] == "getThing"
    assert extensions[CONTEXT]["token_info"]["principal"] is PRINCIPAL
    assert path_parameters == {"id": "a"}


@pytest.mark.parametrize("secured_too", [True, False])
async def test_no_layer_looks_an_operation_up_for_a_request(monkeypatch: pytest.MonkeyPatch, secured_too: bool) -> None:
    thing = parameter("id", "path", UUID_STRING)
    described = secured() if secured_too else operation()
    app = assembled(document=contract({"/things/{id}": {"parameters": [thing], "get": described}}))
    await client(app).get("/things/a", headers={"x-api-key": "a"})

    async def looked_up(*_: Any) -> None:
        raise AssertionError

    for layer in (RoutedMiddleware, SecurityOperation):
        monkeypatch.setattr(layer, "__call__", looked_up)
    response = await client(app).get("/things/a", headers={"x-api-key": "a"})

    assert response.json()["code"] == "not_found"


async def test_what_was_routed_to_is_known_to_the_outer_layers_when_they_answer_an_error() -> None:
    seen = []

    async def look(request: Any, error: Exception) -> Any:
        seen.append(request_context.endpoint(request.scope).operation.operation_id)
        return await explain(request, error)

    await client(assembled(error_handler=look)).get("/things/a", headers={"x-api-key": "a"})

    assert seen == ["getThing"]


async def test_what_is_routed_to_cannot_be_written_to_as_all_requests_share_it() -> None:
    async def write(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"][ROUTING_CONTEXT]["mine"] = True

    response = await client(assembled(write)).get("/things/a", headers={"x-api-key": "a"})

    assert response.json()["detail"].startswith("TypeError: 'mappingproxy' object does not support item assignment")


async def test_an_error_is_gone_when_it_is_answered_and_no_work_for_the_collector() -> None:
    raised: list[weakref.ref[Exception]] = []

    class Absent(PathNotFound):
        def __init__(self) -> None:
            super().__init__()
            raised.append(weakref.ref(self))

    async def look(scope: Any, receive: Any, send: Any) -> None:
        try:
            scope["absent"]
        except KeyError as cause:
            raise Absent from cause

    asking = client(assembled(look))
    gc.disable()
    try:
        response = await asking.get("/things/a", headers={"x-api-key": "a"})
        left = [error() for error in raised]
    finally:
        gc.enable()

    assert response.status_code == 404
    assert left == [None]


async def test_a_domain_error_of_securitys_arrives_as_it_is() -> None:
    class Refusal(Scheme):
        def get_fn(self, _scheme: object, _scopes: object) -> Any:
            async def verify(_request: object) -> None:
                raise ApiKeyExpired

            return verify

    response = await client(assembled(security=Refusal)).get("/things/a")

    assert (response.status_code, response.json()["code"]) == (401, "api_key_expired")


async def test_security_sees_the_requests_head() -> None:
    seen = []

    class Looking(Scheme):
        def get_fn(self, _scheme: Any, _scopes: object) -> Any:
            async def verify(request: Any) -> Any:
                seen.append(dict(request.scope["headers"])[b"x-api-key"])
                return {"sub": "someone", "principal": PRINCIPAL}

            return verify

    await client(assembled(security=Looking)).get("/things/a", headers={"x-api-key": "a key"})

    assert seen == [b"a key"]


async def test_layers_follow_security_in_their_order() -> None:
    order = []

    def layer(name: str) -> Any:
        def wrap(app: Any) -> Any:
            async def layered(scope: Any, receive: Any, send: Any) -> None:
                operation = request_context.endpoint(scope).operation.operation_id
                order.append((name, operation, request_context.principal(scope) is PRINCIPAL))
                await app(scope, receive, send)

            return layered

        return wrap

    await client(assembled(layers=[layer("outer"), layer("inner")])).get("/things/a", headers={"x-api-key": "a"})

    assert order == [("outer", "getThing", True), ("inner", "getThing", True)]


async def test_the_lifespan_is_entered_and_left() -> None:
    order = []

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        order.append("entered")
        yield
        order.append("left")

    stack = assembled(lifespan=lifespan)
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        order.append(message["type"])

    await stack({"type": "lifespan", "state": {}}, receive, send)

    assert order == ["entered", "lifespan.startup.complete", "left", "lifespan.shutdown.complete"]


def test_connexion_is_shown_no_schemas_and_only_strings_in_paths() -> None:
    shown = routing_document(contract(THING))

    assert shown["components"].keys() == {"securitySchemes"}
    assert shown["paths"]["/things/{id}"]["get"]["parameters"][0]["schema"] == {"type": "string"}
    assert shown["paths"]["/things/{id}"]["get"]["x-required-permission"] == "automation:read"


def test_a_schema_that_refers_to_itself_does_not_reach_connexion() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    document = contract({"/thing": {"get": operation()}}, schemas={"Node": node})

    assert assembled(document=document)


def test_the_default_order_of_connexions_middlewares_is_the_one_that_was_copied() -> None:
    kept = [ExceptionMiddleware, RoutingMiddleware, SecurityMiddleware, LifespanMiddleware]

    assert [each for each in connexion.middleware.ConnexionMiddleware.default_middlewares if each in kept] == kept


@pytest.mark.parametrize("base_path", ["", "/prefix"])
def test_a_base_path_is_taken_as_it_is(base_path: str) -> None:
    stack = assembled(base_path=base_path)

    assert stack.apis[0].base_path == base_path
