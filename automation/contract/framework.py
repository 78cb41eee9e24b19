"""Everything that this service relies on inside Connexion and Starlette, and nothing else does.

Connexion's extension points (``middlewares=``, ``security_map=``, ``resolver=``) are used as they are meant. Beyond
them stand here: the stack is built at once instead of at the first request, the router's redirects, ``$`` and
``Allow`` are mended, and the scope's keys are read. ``tests/contract_room/test_framework.py`` has a canary for each of
them. Connexion is pinned to 3.3.*.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.abstract import ROUTING_CONTEXT
from connexion.middleware.exceptions import ExceptionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.routing import RoutingMiddleware
from connexion.middleware.security import SecurityMiddleware
from connexion.operations import AbstractOperation
from connexion.resolver import Resolution, Resolver
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.outline import METHODS
from automation.contract.paths import ordered, parameter_names
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
KEPT = frozenset({"operationId", "tags", "security"})


def routed_operation(scope: Mapping[str, Any]) -> str:
    """Return the operationId that a request was routed to."""
    operation_id: str = scope["extensions"][ROUTING_CONTEXT]["operation_id"]
    return operation_id


def principal(scope: Mapping[str, Any]) -> Principal:
    """Return the principal that security found."""
    found: Principal = scope["extensions"][CONTEXT]["token_info"]["principal"]
    return found


class ExactRouting(RoutingMiddleware):  # type: ignore[misc]  # Connexion has no types
    """Connexion's routing with exact ends of paths, 404 and 405 as domain errors; no redirects, no encoded slashes."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self.router.default = _not_found
        self.router.redirect_slashes = False

    def add_api(self, specification: Any, **kwargs: Any) -> None:
        """Add the contract's routes, mended."""
        super().add_api(specification, **kwargs)
        for mount in self.router.routes:
            mount.path_regex = re.compile(_exact(mount.path_regex), re.DOTALL)
            mount.app = _ByDepth(list(_mended(mount.app.routes)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request; what is found of it is in the scope of the outer layers, too, when they answer an error."""
        # Connexion routes with a shallow copy: only what was in the scope before it is shared.
        scope.setdefault("extensions", {})
        if scope["type"] == "http" and b"%2f" in (scope.get("raw_path") or b"").lower():
            raise PathNotFound  # decoded, the slash would be one between segments
        await super().__call__(scope, receive, send)


class _ByDepth:
    """Routes by Starlette's routes, of which it tries those alone that have as many segments as the path.

    A parameter never spans segments, so no other route could match.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routers: dict[int, Router] = {}
        for route in routes:
            router = self._routers.setdefault(route.path.count("/"), Router(redirect_slashes=False, default=_not_found))
            router.routes.append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routers.get(get_route_path(scope).count("/"), _not_found)(scope, receive, send)


def _mended(routes: Sequence[Route]) -> Iterator[Route]:
    """Yield routes that match exactly, and after each path's own one that refuses the methods it doesn't have."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        methods.setdefault(route.path, set()).update(route.methods or ())
    last = {route.path: route for route in routes}
    for route in routes:
        route.path_regex = re.compile(_exact(route.path_regex))
        yield route
        if route is last[route.path]:
            refusal = Route(route.path, _MethodRefusal(sorted(methods[route.path])))
            refusal.path_regex = route.path_regex
            yield refusal


def _exact(pattern: re.Pattern[str]) -> str:
    r"""Return the pattern with ``\Z`` for its ``$``, which would match before a line feed at the end, too."""
    return pattern.pattern.removesuffix("$") + r"\Z"


class _MethodRefusal:
    """The application of a path for every method that it doesn't have."""

    def __init__(self, methods: Sequence[str]) -> None:
        self._headers = {"Allow": ", ".join(methods)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise MethodNotAllowed(headers=self._headers)


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    raise PathNotFound


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
        middlewares=[ExceptionMiddleware, ExactRouting, SecurityMiddleware, *layers, LifespanMiddleware],
        lifespan=lifespan,
        resolver=_KnownResolver(functions),
        security_map=dict(security_map),
    )
    for error in (AutomationError, ProblemException, HTTPException, Exception):
        stack.add_error_handler(error, error_handler)
    stack.add_api(routing_document(document), base_path=base_path)
    stack.app, stack.middleware_stack = stack._build_middleware_stack()  # noqa: SLF001 - what this module is for
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
