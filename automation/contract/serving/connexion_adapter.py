"""Everything that this service relies on inside Connexion and Starlette, and nothing else does.

Connexion's extension points (``middlewares=``, ``security_map=``, ``resolver=``) are used as they are meant. Beyond
them stand here: the stack is built at once instead of at the first request, the router's redirects, ``$`` and
``Allow`` are mended, and the scope's keys are read. ``tests/contract/serving/test_connexion_adapter.py`` has a canary
for each of them. Connexion is pinned to 3.3.*.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.abstract import ROUTING_CONTEXT, RoutedMiddleware
from connexion.middleware.exceptions import ExceptionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.routing import RoutingMiddleware, RoutingOperation
from connexion.middleware.security import SecurityMiddleware, SecurityOperation
from connexion.operations import AbstractOperation
from connexion.resolver import Resolution, Resolver
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.document.outline import METHODS
from automation.contract.document.paths import ordered, parameter_names
from automation.domain.errors import AutomationError, MethodNotAllowed, PathNotFound
from automation.domain.principal import Principal

__all__ = [
    "ASGIApp",
    "ErrorHandler",
    "ExactRouting",
    "Layer",
    "Lifespan",
    "Receive",
    "Scope",
    "Send",
    "assemble",
    "principal",
    "routed_operation",
    "routing_document",
]

ErrorHandler = Callable[[ConnexionRequest, Exception], Awaitable[ConnexionResponse]]
Layer = Callable[[ASGIApp], ASGIApp]
Lifespan = Callable[[Any], Any]

CONTEXT = "connexion_context"
RAISED = "automation.contract.raised"
"""Where an exception waits for Connexion's exception handling."""
KEPT = frozenset({"operationId", "tags", "security"})


def routed_operation(scope: Mapping[str, Any]) -> str:
    """Return the operationId that a request was routed to."""
    operation_id: str = scope["extensions"][ROUTING_CONTEXT]["operation_id"]
    return operation_id


def principal(scope: Mapping[str, Any]) -> Principal:
    """Return the principal that security found."""
    found: Principal = scope["extensions"][CONTEXT]["token_info"]["principal"]
    return found


class Exceptions(ExceptionMiddleware):  # type: ignore[misc]  # Connexion has no types
    """Connexion's exception handling, entered only when there is an exception."""

    def __init__(self, next_app: ASGIApp) -> None:
        super().__init__(_raise)
        self._next_app = next_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer what is raised."""
        try:
            await self._next_app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - Connexion has a handler for whatever it is
            scope[RAISED] = error
            await super().__call__(scope, receive, send)


async def _raise(scope: Scope, receive: Receive, send: Send) -> None:
    raise scope.pop(RAISED)  # kept, it would refer to itself: its causes' tracebacks lead to the scope


class ExactRouting(RoutingMiddleware):  # type: ignore[misc]  # Connexion has no types
    """Connexion's routes, matched exactly; 404 and 405 as domain errors, no redirects, no encoded slashes.

    A parameter never spans segments, so those routes alone are tried that have as many segments as the path.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._routes: dict[int, list[_Path]] = {}

    def compile(self) -> None:
        """Make what requests need of the routes, when all layers behind this one are complete."""
        for mount in self.router.routes:
            paths: dict[str, _Path] = {}
            for route in mount.app.routes:
                path = paths.setdefault(route.path, _Path(mount.path, route))
                path.add(route)
            for path in paths.values():
                self._routes.setdefault(path.depth, []).append(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request; what is found of it is in the scope of the outer layers, too, when they answer an error."""
        if scope["type"] == "http":
            await self._operation(scope)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _operation(self, scope: Scope) -> ASGIApp:
        if b"%2f" in (scope.get("raw_path") or b"").lower():
            raise PathNotFound  # decoded, the slash would be one between segments
        path: str = scope["path"]
        for candidate in self._routes.get(path.count("/"), ()):
            match = candidate.match(path)
            if match is not None:
                scope["path_params"] = match.groupdict()
                return candidate.operation(scope["method"])
        raise PathNotFound


class _Path:
    """A path of the contract, with the operations of its methods."""

    def __init__(self, prefix: str, route: Route) -> None:
        pattern = route.path_regex.pattern.removeprefix("^").removesuffix("$")
        self._prefix = prefix
        self.depth = (prefix + route.path).count("/")
        # For Starlette's ``$``, which would match before a line feed at the end, too.
        self.match = re.compile(re.escape(prefix) + pattern + r"\Z").match
        self._operations: dict[str, ASGIApp] = {}

    def add(self, route: Route) -> None:
        operation = _Operation(route.app, self._prefix)
        self._operations |= dict.fromkeys(route.methods or (), operation)

    def operation(self, method: str) -> ASGIApp:
        found = self._operations.get(method)
        if found is None:
            raise MethodNotAllowed(headers={"Allow": ", ".join(sorted(self._operations))})
        return found


class _Operation:
    """What a route leads to: tells the layers the operation, and takes the shortest way through them."""

    def __init__(self, routing: RoutingOperation, prefix: str) -> None:
        # All requests share it, so none may write into it.
        self._context = MappingProxyType({"api_base_path": prefix, "operation_id": routing.operation_id})
        self._next_app = _straightened(routing.next_app, routing.operation_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[ROUTING_CONTEXT] = self._context
        await self._next_app(scope, receive, send)


def _straightened(app: ASGIApp, operation_id: str) -> ASGIApp:
    """Return what a layer made for an operation, so that no layer has to look it up for each request."""
    if not isinstance(app, RoutedMiddleware):
        return app
    (operation,) = (api.operations[operation_id] for apis in app.apis.values() for api in apis)
    if isinstance(operation, SecurityOperation):
        return _Secured(operation, _straightened(operation.next_app, operation_id))
    found: ASGIApp = operation
    return found


class _Secured:
    """Connexion's security of one operation, asked with no more of a request than it reads."""

    def __init__(self, operation: SecurityOperation, next_app: ASGIApp) -> None:
        self._verify = operation.verification_fn
        self._next_app = next_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._verify(_Asked(scope))
        await self._next_app(scope, receive, send)


class _Asked:
    """A request as security sees it."""

    __slots__ = ("context", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.context = scope["extensions"].setdefault(CONTEXT, {})


class _KnownResolver(Resolver):  # type: ignore[misc]  # Connexion has no types
    """Tells Connexion the handlers that were found already, under operationIds that stay as they are."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__()
        self._functions = functions

    def resolve(self, operation: AbstractOperation) -> Resolution:
        return Resolution(self._functions[operation.operation_id], operation.operation_id)


def assemble(
    app: ASGIApp,
    *,
    document: Mapping[str, Any],
    base_path: str,
    functions: Mapping[str, Callable[..., Any]],
    security_map: Mapping[str, Callable[[], Any]],
    layers: Sequence[Layer],
    error_handler: ErrorHandler,
    lifespan: Lifespan,
) -> ASGIApp:
    """Return ``app`` behind Connexion's exception handling, routing and security, complete.

    Args:
        app: The innermost application.
        document: The contract.
        base_path: What stands before every path.
        functions: The handlers, by operationId.
        security_map: Connexion's security handlers, by type of security scheme.
        layers: What follows security, outer ones first.
        error_handler: Answers for everything that is raised.
        lifespan: An asynchronous context manager's function, given the application.
    """
    stack = ConnexionMiddleware(
        app,
        middlewares=[Exceptions, ExactRouting, SecurityMiddleware, *layers, LifespanMiddleware],
        lifespan=lifespan,
        resolver=_KnownResolver(functions),
        security_map=dict(security_map),
    )
    for error in (AutomationError, ProblemException, HTTPException, Exception):
        stack.add_error_handler(error, error_handler)
    stack.add_api(routing_document(document), base_path=base_path)
    stack.app, stack.middleware_stack = stack._build_middleware_stack()  # noqa: SLF001 - what this module is for
    for layer in stack.middleware_stack:
        if isinstance(layer, ExactRouting):
            layer.compile()
    complete: ASGIApp = stack
    return complete


def routing_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Connexion needs of a contract: paths in matching order, operations, security; no schemas.

    Every path parameter becomes a string: text that is no integer is a 400 of ours, not a path that doesn't match.
    """
    paths = document["paths"]
    return {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "security": document.get("security", []),
        "components": {"securitySchemes": document.get("components", {}).get("securitySchemes", {})},
        "paths": {path: _routing_item(path, paths[path]) for path in ordered(paths) if path.startswith("/")},
    }


def _routing_item(path: str, item: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameter_names(path)
    ]
    return {
        method: {
            **{key: value for key, value in item[method].items() if key in KEPT or key.startswith("x-")},
            "parameters": parameters,
            "responses": {"200": {"description": ""}},
        }
        for method in METHODS
        if method in item
    }
