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
    """Return the published contract, with plain text alone where there is YAML besides, which no client would read."""
    document: Document = rewrite("document", Published(load(default_path())).current.document, _as_text)
    return document


def explicit(document: Document) -> Document:
    """Return a copy in which a generator finds in place what it doesn't infer.

    Each operation says itself which key it needs, and an answer without a body is of the type null.
    """

    def change(kind: str, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if kind == "operation":
            return {"security": document["security"], **node}
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


def _bodiless_as_null(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in node or "content" in node:
        return node
    return {**node, "content": {"text/plain": {"schema": {"type": "null"}}}}
