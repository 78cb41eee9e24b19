"""A service of two operations, to see Connexion's routing and this project's security work together."""

import json
from functools import partial
from typing import Any

import httpx
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware.exceptions import ExceptionMiddleware
from connexion.middleware.main import ConnexionMiddleware
from connexion.middleware.routing import RoutingMiddleware
from connexion.middleware.security import SecurityMiddleware
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from automation.contract.compiled.contract import Contract
from automation.contract.serving.connexion_adapter import EndpointResolver, Guard
from automation.contract.serving.endpoint import endpoint
from automation.domain.errors import AutomationError
from security.authenticator import Authenticator
from security.authorization import authorized
from security.scheme import ApiKeyScheme

SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": "x-api-key",
    "x-apikeyInfoFunc": "security.authenticator.authenticate",
}
PROTECTED = {"operationId": "protected", "tags": ["Two"], "x-required-permission": "automation:read", "responses": {}}
PUBLIC = {"operationId": "public", "tags": ["Two"], "security": [], "responses": {}}


def contract(protected: dict[str, Any] = PROTECTED, scheme: dict[str, Any] = SCHEME) -> dict[str, Any]:
    """Return a contract of one protected operation, as given, and a public one."""
    responses = {"responses": {"200": {"description": "Answered."}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Two operations", "version": "1"},
        "security": [{"ApiKey": []}],
        "components": {"securitySchemes": {"ApiKey": scheme}, "schemas": {"Problem": {}}},
        "paths": {"/protected": {"get": protected | responses}, "/public": {"get": PUBLIC | responses}},
    }


def build(authenticator: Authenticator, document: dict[str, Any]) -> ConnexionMiddleware:
    """Return the service, built completely, with the errors' codes as its answers."""
    guard = partial(Guard, guarded=authorized)
    middlewares: list[Any] = [ExceptionMiddleware, RoutingMiddleware, SecurityMiddleware, guard]
    compiled = Contract(document)
    service = ConnexionMiddleware(
        answer,
        middlewares=middlewares,
        security_map={"apiKey": partial(ApiKeyScheme, authenticator)},
        resolver=EndpointResolver(endpoint(compiled, each, unreached) for each in compiled.operations.values()),
    )
    service.add_api(document)
    service.add_error_handler(AutomationError, refuse)
    service.app, service.middleware_stack = service._build_middleware_stack()
    return service


def client(service: ConnexionMiddleware, *, raise_app_exceptions: bool = True) -> httpx.AsyncClient:
    """Return a client of the service, in this process."""
    transport = httpx.ASGITransport(service, raise_app_exceptions=raise_app_exceptions)
    return httpx.AsyncClient(transport=transport, base_url="http://service")


async def unreached(_scope: Any) -> Any:
    """Stand for an endpoint's handler: the service answers by itself."""


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the prefix of the caller's key."""
    token_info = scope["extensions"].get("connexion_context", {}).get("token_info")
    prefix = token_info["principal"].key_prefix if token_info else None
    await JSONResponse({"caller": prefix})(scope, receive, send)


async def refuse(_: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """Answer with an error's code and the parameters that it is about."""
    assert isinstance(error, AutomationError)
    parameters = [violation.parameter for violation in error.violations]
    body = json.dumps({"code": error.code, "detail": error.detail, "parameters": parameters})
    return ConnexionResponse(status_code=error.status, mimetype="application/json", body=body)
