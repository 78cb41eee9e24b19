"""The contract as generators are given it: the published one, with what they take wrongly said in another way."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automation.contract.document.document import default_path, load
from automation.contract.document.outline import rewrite
from automation.contract.document.published import Published

Document = Mapping[str, Any]

TEXT = "text/plain"


def published() -> Document:
    """Return the published contract, without what clients have no type for.

    Plain text stands alone where there is YAML besides, which no client would read; what a schema must not be is left
    out, for which openapi-generator would make a type.
    """

    def change(kind: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
        return _without_not(node) if kind == "schema" else _as_text(kind, node)

    document: Document = rewrite("document", Published(load(default_path())).current.document, change)
    return document


def explicit(document: Document) -> Document:
    """Return a copy in which a generator finds in place what it doesn't infer.

    Each operation says itself which key it needs, and an answer without a body is of the type null. A body has the
    first of its media types alone: of several it would be asked which it is, as no value can be asked.
    """

    def change(kind: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if kind == "operation":
            return {"security": document["security"], **_sending_one_type(node)}
        return _bodiless_as_null(node) if kind == "response" else node

    copy: Document = rewrite("document", document, change)
    return copy


def write(document: Document, path: Path) -> Path:
    """Write a document as JSON, and return the path."""
    path.write_text(json.dumps(document, indent=2))
    return path


def _as_text(kind: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
    content = node.get("content", {}) if kind == "response" else {}
    return {**node, "content": {TEXT: content[TEXT]}} if TEXT in content else node


def _without_not(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: member for name, member in schema.items() if name != "not"}


def _sending_one_type(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    body = operation.get("requestBody", {})
    media_types = list(body.get("content", {}).items())
    return {**operation, "requestBody": {**body, "content": dict(media_types[:1])}} if media_types else operation


def _bodiless_as_null(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in node or "content" in node:
        return node
    return {**node, "content": {"text/plain": {"schema": {"type": "null"}}}}
