"""The outline of an OpenAPI document: tells its parts apart, so that no check has to know the grammar itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from automation.contract.document.naming import BY_TRIGGER_TYPE
from automation.contract.document.references import follow, pointer

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

ONE, MANY, NAMED = "one", "many", "named"

# kind -> field -> (how many there are, their kind); fields that aren't here hold plain values.
GRAMMAR: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "document": {
        "info": (ONE, "description"),
        "servers": (MANY, "description"),
        "tags": (MANY, "description"),
        "paths": (NAMED, "path item"),
        "components": (ONE, "components"),
        "externalDocs": (ONE, "description"),
    },
    "description": {
        "contact": (ONE, "description"),
        "license": (ONE, "description"),
        "externalDocs": (ONE, "description"),
        "variables": (NAMED, "description"),
    },
    "components": {
        "schemas": (NAMED, "schema"),
        "responses": (NAMED, "response"),
        "parameters": (NAMED, "parameter"),
        "examples": (NAMED, "example"),
        "requestBodies": (NAMED, "request body"),
        "headers": (NAMED, "header"),
        "securitySchemes": (NAMED, "security scheme"),
        "links": (NAMED, "link"),
        "callbacks": (NAMED, "callback"),
    },
    "path item": {
        "parameters": (MANY, "parameter"),
        "servers": (MANY, "description"),
        **dict.fromkeys(METHODS, (ONE, "operation")),
    },
    "operation": {
        "parameters": (MANY, "parameter"),
        "requestBody": (ONE, "request body"),
        "responses": (NAMED, "response"),
        "callbacks": (NAMED, "callback"),
        "servers": (MANY, "description"),
        "externalDocs": (ONE, "description"),
    },
    "parameter": {"schema": (ONE, "schema"), "examples": (NAMED, "example"), "content": (NAMED, "media type")},
    "header": {"schema": (ONE, "schema"), "examples": (NAMED, "example"), "content": (NAMED, "media type")},
    "request body": {"content": (NAMED, "media type")},
    "media type": {"schema": (ONE, "schema"), "examples": (NAMED, "example")},
    "response": {"headers": (NAMED, "header"), "content": (NAMED, "media type"), "links": (NAMED, "link")},
    "schema": {
        "properties": (NAMED, "schema"),
        "items": (ONE, "schema"),
        "additionalProperties": (ONE, "schema"),
        "not": (ONE, "schema"),
        "allOf": (MANY, "schema"),
        "anyOf": (MANY, "schema"),
        "oneOf": (MANY, "schema"),
        "externalDocs": (ONE, "description"),
        BY_TRIGGER_TYPE: (NAMED, "schema"),
    },
}


@dataclass(frozen=True, slots=True)
class Site:
    """One part of a document: what it is, the JSON pointer to it (with ``#``), and its content.

    A part that is a ``$ref`` has the kind of what it must lead to.
    """

    kind: str
    where: str
    node: Mapping[str, Any]

    @property
    def reference(self) -> str | None:
        """Its ``$ref``, where it is one."""
        return self.node.get("$ref")


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as it stands in a document, its path's parameters included and references followed."""

    path: str
    method: str
    node: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]

    @property
    def where(self) -> str:
        """The operation's place in words: ``GET /healthz``."""
        return f"{self.method.upper()} {self.path}"

    @property
    def name(self) -> str:
        """Its operationId, or its place while it has none."""
        return str(self.node.get("operationId", self.where))


def sites(document: Mapping[str, Any]) -> Iterator[Site]:
    """Yield every part of a document that has a kind, outer ones first."""
    yield from _sites("document", "#", document)


def _sites(kind: str, where: str, node: Any) -> Iterator[Site]:
    if not isinstance(node, Mapping):
        return
    yield Site(kind, where, node)
    if "$ref" in node:
        return
    for field, (amount, child_kind) in GRAMMAR.get(kind, {}).items():
        for parts, child in _children(amount, node.get(field)):
            yield from _sites(child_kind, where + pointer(field, *parts), child)


def _children(amount: str, value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if amount == ONE and value is not None:
        yield (), value
    elif amount == MANY and isinstance(value, list):
        yield from (((index,), child) for index, child in enumerate(value))
    elif amount == NAMED and isinstance(value, Mapping):
        yield from (((name,), child) for name, child in value.items())


def rewrite(kind: str, node: Any, change: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    """Return a copy of a part in which every part that has a kind went through ``change``, outer ones first."""
    if not isinstance(node, Mapping):
        return node
    copy = dict(change(kind, node))
    fields = GRAMMAR.get(kind, {})
    for field in fields.keys() & copy.keys():
        (amount, child_kind), value = fields[field], copy[field]
        if amount == ONE:
            copy[field] = rewrite(child_kind, value, change)
        elif amount == MANY and isinstance(value, list):
            copy[field] = [rewrite(child_kind, child, change) for child in value]
        elif amount == NAMED and isinstance(value, Mapping):
            copy[field] = {name: rewrite(child_kind, child, change) for name, child in value.items()}
    return copy


def entries(document: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield every operation, in the document's order.

    Raises:
        UnresolvedReference: A parameter's ``$ref`` leads nowhere.
    """
    for path, item in document["paths"].items():
        if path.startswith("/"):
            for method, node in item.items():
                if method in METHODS:
                    yield Entry(path, method, node, _parameters(document, item, node))


def _parameters(
    document: Mapping[str, Any], item: Mapping[str, Any], operation: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """Return the path's parameters and the operation's own, which replace those of the same name and place."""
    merged: dict[tuple[str, str], Mapping[str, Any]] = {}
    for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
        resolved = follow(document, parameter)
        merged[resolved["in"], resolved["name"]] = resolved
    return tuple(merged.values())
