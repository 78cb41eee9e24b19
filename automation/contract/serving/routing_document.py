"""Reduces a contract to what Connexion needs of it: paths, operations and security."""

from collections.abc import Mapping
from typing import Any

from automation.contract.document.outline import METHODS
from automation.contract.document.paths import ordered, parameter_names

KEPT = frozenset({"operationId", "tags", "security"})


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
