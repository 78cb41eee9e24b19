"""Adapts Connexion: everything that this service relies on inside it stands here, and nothing else imports it.

Connexion's extension points (``middlewares=``, ``security_map=``, ``resolver=``) are used as they are meant. Beyond
them stand here: the stack is built at once instead of at the first request, the router's redirects, ``$`` and
``Allow`` are mended, requests go straight to what a layer made for their operation, and the scope's keys have names.
``tests/contract/serving/test_connexion_adapter.py`` has a canary for each of them. Connexion is pinned to 3.3.*.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.abstract import ROUTING_CONTEXT, RoutedAPI, RoutedMiddleware
from connexion.middleware.exceptions import ExceptionMiddleware
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.routing import RoutingAPI, RoutingMiddleware
from connexion.middleware.security import SecurityMiddleware, SecurityOperation
from connexion.operations import AbstractOperation
from connexion.resolver import Resolution, Resolver
from connexion.security import ApiKeySecurityHandler
from connexion.spec import Specification
from connexion.utils import get_function_from_name
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from automation.contract.serving.endpoint import Endpoint
from automation.contract.serving.routing_document import routing_document
from automation.domain.errors import AutomationError, MethodNotAllowed, PathNotFound

__all__ = [
    "ROUTING_CONTEXT",
    "ApiKeySecurityHandler",
    "ConnexionRequest",
    "ConnexionResponse",
    "get_function_from_name",
]

ErrorHandler = Callable[[ConnexionRequest, Exception], Awaitable[ConnexionResponse]]
Layer = Callable[[ASGIApp], ASGIApp]
Lifespan = Callable[[Any], Any]

Guarded = Callable[[Endpoint, ASGIApp], ASGIApp]

CONTEXT = "connexion_context"
"""Where Connexion's security leaves what it found, in the scope's extensions."""
ENDPOINT = "endpoint"
"""Where the endpoint is, in the routing context that Connexion's router leaves in the scope's extensions."""
RAISED = "automation.contract.raised"
"""Where an exception waits for Connexion's exception handling."""


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

    Paths without parameters are looked up first; of the others, those are tried that have as many segments.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._literal: dict[str, _Path] = {}
        self._paths: dict[int, list[_Path]] = {}

    def add_api(self, specification: Specification, base_path: str | None = None, **kwargs: Any) -> None:
        """Have Connexion make the routes of a contract, and sort them by their paths."""
        api = _Routes(specification, base_path=base_path, next_app=self.app, **kwargs)
        paths: dict[str, _Path] = {}
        for route in api.router.routes:
            paths.setdefault(route.path, _Path(route)).add(route)
        self._literal |= {text: path for text, path in paths.items() if path.is_literal}
        for path in (each for each in paths.values() if not each.is_literal):
            self._paths.setdefault(path.depth, []).append(path)

    def straighten(self) -> None:
        """Lead the routes past what would look their operation up, when all layers behind this one are complete."""
        for path in [*self._literal.values(), *(path for paths in self._paths.values() for path in paths)]:
            path.straighten()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request; what is found of it is in the scope of the outer layers, too, when they answer an error."""
        if scope["type"] == "http":
            routed = self._route(scope)
            scope.setdefault("extensions", {})[ROUTING_CONTEXT] = routed.context
            await routed.next_app(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _route(self, scope: Scope) -> "_Routed":
        if b"%2f" in (scope.get("raw_path") or b"").lower():
            raise PathNotFound  # decoded, the slash would be one between segments
        path: str = scope["path"]
        if (literal := self._literal.get(path)) is not None:
            scope["path_params"] = {}
            return literal.routed(scope["method"])
        for candidate in self._paths.get(path.count("/"), ()):
            match = candidate.match(path)
            if match is not None:
                scope["path_params"] = match.groupdict()
                return candidate.routed(scope["method"])
        raise PathNotFound


class _Routes(RoutingAPI):  # type: ignore[misc]  # Connexion has no types
    """Connexion's routes of one contract: each has its whole path and leads to the endpoint of its operation."""

    def make_operation(self, operation: AbstractOperation) -> "_Routed":
        return _Routed(operation.function, self.base_path, self.next_app)

    def _framework_path_and_name(self, operation: AbstractOperation, path: str) -> tuple[str, str]:
        below_base, name = super()._framework_path_and_name(operation, path)
        return self.base_path + below_base, name


class _Path:
    """A path of the contract, with where its methods lead."""

    def __init__(self, route: Route) -> None:
        self.depth = route.path.count("/")
        self.is_literal = not route.param_convertors
        # As a whole: Starlette's pattern ends with ``$``, which by itself matches before a line feed at the end, too.
        self.match = route.path_regex.fullmatch
        self._routed: dict[str, _Routed] = {}

    def add(self, route: Route) -> None:
        self._routed |= dict.fromkeys(route.methods or (), cast("_Routed", route.app))

    def straighten(self) -> None:
        for routed in set(self._routed.values()):
            routed.straighten()

    def routed(self, method: str) -> "_Routed":
        found = self._routed.get(method)
        if found is None:
            raise MethodNotAllowed(headers={"Allow": ", ".join(sorted(self._routed))})
        return found


class _Routed:
    """Where a route leads: what the layers are told of the operation, and the first of them."""

    def __init__(self, endpoint: Endpoint, base_path: str, next_app: ASGIApp) -> None:
        self._operation_id = endpoint.operation.operation_id
        # All requests share it, so none may write into it.
        self.context = MappingProxyType(
            {"api_base_path": base_path, "operation_id": self._operation_id, ENDPOINT: endpoint}
        )
        self.next_app = next_app

    def straighten(self) -> None:
        self.next_app = _straightened(self.next_app, self._operation_id)


def _straightened(app: ASGIApp, operation_id: str) -> ASGIApp:
    """Return what a layer made for an operation, so that no layer has to look it up for each request."""
    if not isinstance(app, RoutedMiddleware):
        return app
    (operation,) = (api.operations[operation_id] for apis in app.apis.values() for api in apis)
    if isinstance(operation, SecurityOperation):
        next_app = _straightened(operation.next_app, operation_id)
        return _Secured(operation, next_app) if operation.security else next_app
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


class Guard(RoutedMiddleware):  # type: ignore[misc]  # Connexion has no types
    """A layer that is made for each operation when the stack is built, and lets its requests pass or doesn't.

    Args:
        app: Where requests go that are let in.
        guarded: Given an endpoint and ``app``, returns what guards it: ``app`` itself where nothing does.
    """

    def __init__(self, app: ASGIApp, guarded: Guarded) -> None:
        super().__init__(app)
        self._guarded = guarded

    def api_cls(self, specification: Specification, **kwargs: Any) -> RoutedAPI:
        """Return what is made for the operations of a contract, by operationId."""
        return _GuardedOperations(specification, guarded=self._guarded, **kwargs)


class _GuardedOperations(RoutedAPI):  # type: ignore[misc]  # Connexion has no types
    def __init__(self, specification: Specification, *, guarded: Guarded, **kwargs: Any) -> None:
        super().__init__(specification, **kwargs)
        self._guarded = guarded
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> ASGIApp:
        return self._guarded(operation.function, self.next_app)


class EndpointResolver(Resolver):  # type: ignore[misc]  # Connexion has no types
    """Tells Connexion the endpoints as its operations' functions, under operationIds that stay as they are."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        super().__init__()
        self._endpoints = {each.operation.operation_id: each for each in endpoints}

    def resolve(self, operation: AbstractOperation) -> Resolution:
        """Return the endpoint of an operation."""
        return Resolution(self._endpoints[operation.operation_id], operation.operation_id)


def assemble(
    app: ASGIApp,
    *,
    document: Mapping[str, Any],
    base_path: str,
    endpoints: Iterable[Endpoint],
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
        endpoints: One for each operation.
        security_map: Connexion's security handlers, by type of security scheme.
        layers: What follows security, outer ones first.
        error_handler: Answers for everything that is raised.
        lifespan: An asynchronous context manager's function, given the application.
    """
    stack = ConnexionMiddleware(
        app,
        middlewares=[Exceptions, ExactRouting, SecurityMiddleware, *layers, LifespanMiddleware],
        lifespan=lifespan,
        resolver=EndpointResolver(endpoints),
        security_map=dict(security_map),
    )
    for error in (AutomationError, ProblemException, HTTPException, Exception):
        stack.add_error_handler(error, error_handler)
    stack.add_api(routing_document(document), base_path=base_path)
    stack.app, stack.middleware_stack = stack._build_middleware_stack()  # noqa: SLF001 - what this module is for
    for layer in stack.middleware_stack:
        if isinstance(layer, ExactRouting):
            layer.straighten()
    return cast("ASGIApp", stack)
