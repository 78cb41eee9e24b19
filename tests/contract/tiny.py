"""Tiny contracts, handlers and applications, so that a test shows all of what it is about."""

import sys
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from connexion.lifecycle import ConnexionRequest, ConnexionResponse

from automation.contract.compiled.contract import Contract
from automation.contract.serving.application import build
from automation.contract.serving.lanes import Lane
from automation.domain.errors import AutomationError, InternalError
from automation.domain.principal import Principal

Function = Callable[..., Awaitable[Any]]
Json = dict[str, Any]

PACKAGE = "tiny_handlers"
PRINCIPAL = Principal(UUID(int=1), UUID(int=2), frozenset({"automation:read"}), "ak_12345678")
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
STRING = {"type": "string"}
UUID_STRING = {"type": "string", "format": "uuid"}


def problem(description: str = "An error.") -> Json:
    """Return a documented problem response."""
    return {"description": description, "content": PROBLEM}


def answer(schema: Mapping[str, Any] | None = None, **more: Any) -> Json:
    """Return a documented JSON response."""
    return {"description": "An answer.", "content": {"application/json": {"schema": schema or {}}}, **more}


def operation(operation_id: str = "getThing", *, responses: Mapping[str, Any] | None = None, **fields: Any) -> Json:
    """Return a public operation of the tag Things, complete; ``fields`` replace or add, None takes away."""
    complete: Json = {
        "operationId": operation_id,
        "tags": ["Things"],
        "summary": "A thing",
        "description": "Does a thing.",
        "security": [],
        "responses": {"200": answer(), "400": problem(), "500": problem(), **(responses or {})},
        **fields,
    }
    return {name: value for name, value in complete.items() if value is not None}


def secured(operation_id: str = "getThing", **fields: Any) -> Json:
    """Return an operation that wants a key and a permission."""
    responses = {"401": problem(), "403": problem(), "429": problem(), **fields.pop("responses", {})}
    wanted = {"security": None, "x-required-permission": "automation:read"}
    return operation(operation_id, responses=responses, **wanted, **fields)


def writing(operation_id: str, body: Mapping[str, Any], required: object = True, **fields: Any) -> Json:
    """Return a public operation with a body."""
    responses = {"413": problem(), "415": problem(), **fields.pop("responses", {})}
    content = {"application/json": {"schema": body}}
    return operation(
        operation_id, requestBody={"required": required, "content": content}, responses=responses, **fields
    )


def parameter(name: str, location: str, schema: Mapping[str, Any], **more: Any) -> Json:
    """Return a parameter; one in a path is required."""
    base = {"name": name, "in": location, "description": "A parameter.", "schema": schema}
    return {**base, **({"required": True} if location == "path" else {}), **more}


def contract(paths: Mapping[str, Any], **components: Any) -> Json:
    """Return a document in which nothing is wrong, as far as the paths and components allow."""
    violation = {"type": "object", "properties": {"message": STRING}}
    members = {"code": STRING, "status": {"type": "integer"}, "errors": {"type": "array", "items": violation}}
    schemas = {"Problem": {"type": "object", "required": ["code"], "properties": members}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Tiny", "version": "1"},
        "tags": [{"name": "Things"}],
        "security": [{"ApiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
            **components,
            "schemas": {**schemas, **components.get("schemas", {})},
        },
    }


class Scheme:
    """Connexion's security handler in a tiny application: whoever shows any key is the one principal."""

    def get_fn(self, _scheme: Mapping[str, Any], _scopes: object) -> Function:
        async def verify(_request: ConnexionRequest) -> Json:
            return {"sub": "someone", "principal": PRINCIPAL}

        return verify


async def explain(_request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """Answer with what was raised."""
    known = error if isinstance(error, AutomationError) else InternalError(f"{type(error).__name__}: {error}")
    errors = [{"at": each.parameter or each.pointer, "message": each.message} for each in known.violations]
    body = orjson.dumps({"code": known.code, "detail": known.detail, "errors": errors})
    return ConnexionResponse(
        known.status, body=body, content_type="application/problem+json", headers=dict(known.headers)
    )


def client(app: Callable[..., Any]) -> httpx.AsyncClient:
    """Return a client that talks to an application in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tiny")


class Handlers:
    """A package of handlers that exists for one test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.module("")

    def module(self, name: str, *functions: Function) -> None:
        """Add a module with these functions."""
        full = f"{PACKAGE}.{name}".rstrip(".")
        module = ModuleType(full)
        module.__path__ = []
        for function in functions:
            setattr(module, function.__name__, function)
        self._monkeypatch.setitem(sys.modules, full, module)

    def serve(self, document: Mapping[str, Any], *functions: Function, **arguments: Any) -> httpx.AsyncClient:
        """Return a client of the application that a document and these functions of the tag Things are."""
        return client(self.application(document, *functions, **arguments))

    def application(
        self,
        document: Mapping[str, Any],
        *functions: Function,
        provided: Mapping[type, object] | None = None,
        base_path: str = "",
        lanes: Mapping[str, Lane | None] = MappingProxyType({}),
    ) -> Callable[..., Awaitable[None]]:
        """Return the application that a document and these functions of the tag Things are."""
        self.module("things", *functions)
        return build(
            Contract(document, base_path=base_path),
            handlers=PACKAGE,
            provided=provided or {},
            security_map={"apiKey": Scheme},
            error_handler=explain,
            lanes=lanes,
        )
