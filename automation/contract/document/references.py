"""References between parts of the contract: JSON pointers (RFC 6901) and ``$ref``."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote


class UnresolvedReference(LookupError):
    """A ``$ref`` that the document has no target for, or that refers to itself."""


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer with these parts, ``""`` for none."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def lookup(document: Mapping[str, Any], reference: str) -> Any:
    """Return what a ``$ref`` leads to, without following further ones.

    Raises:
        UnresolvedReference: It is not of the form ``#/…``, or nothing is there.
    """
    if not reference.startswith("#/"):
        raise UnresolvedReference(reference)
    node: Any = document
    for part in reference[2:].split("/"):
        node = _child(node, unquote(part).replace("~1", "/").replace("~0", "~"), reference)
    return node


def follow(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``node`` itself, or what its ``$ref`` leads to in the end.

    Raises:
        UnresolvedReference: The way leads nowhere or round in a circle.
    """
    seen: set[str] = set()
    while (reference := node.get("$ref")) is not None:
        if reference in seen:
            raise UnresolvedReference(reference)
        seen.add(reference)
        node = lookup(document, reference)
        if not isinstance(node, Mapping):
            raise UnresolvedReference(reference)
    return node


def _child(node: Any, part: str, reference: str) -> Any:
    try:
        return node[int(part)] if isinstance(node, list) else node[part]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise UnresolvedReference(reference) from error
