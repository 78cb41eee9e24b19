"""Checks that every operation is public, and says so itself, or names a permission: deny by default."""

import importlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from automation.contract.document.findings import Finding
from automation.contract.document.naming import HOOK_TOKEN, NO_PERMISSION, PERMISSION
from automation.contract.document.outline import Entry
from automation.contract.document.references import pointer

FUNCTION = "x-apikeyInfoFunc"


def check(entries: list[Entry], document: Mapping[str, Any], permissions: Collection[str]) -> Iterator[Finding]:
    """Yield what is wrong with the security of a document.

    Args:
        entries: Its operations.
        document: The document.
        permissions: Every permission that there is.
    """
    schemes = document.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        yield from _scheme(f"#/components/securitySchemes{pointer(name)}", scheme)
    yield from _requirements("#/security", document.get("security", []), schemes)
    for entry in entries:
        yield from _requirements(entry.where, entry.node.get("security", []), schemes)
        yield from _permission(entry, document, permissions)
        yield from _hook(entry)


def _hook(entry: Entry) -> Iterator[Finding]:
    if HOOK_TOKEN not in entry.node:
        return
    if entry.node.get("security") != []:
        yield Finding(entry.where, f"has {HOOK_TOKEN}, but is not public (security: [])")
    if ("path", entry.node[HOOK_TOKEN]) not in {(each["in"], each["name"]) for each in entry.parameters}:
        yield Finding(entry.where, f"its {HOOK_TOKEN} names none of its path parameters")


def _scheme(where: str, scheme: Mapping[str, Any]) -> Iterator[Finding]:
    if (scheme.get("type"), scheme.get("in")) != ("apiKey", "header"):
        yield Finding(where, "is not an API key in a header: no other scheme is served")
        return
    function = scheme.get(FUNCTION)
    if not isinstance(function, str) or "." not in function:
        yield Finding(where, f"has no {FUNCTION} that names a function")
    elif not _exists(function):
        yield Finding(where, f"its {FUNCTION} names {function}, which can't be imported")


def _exists(function: str) -> bool:
    module, _, name = function.rpartition(".")
    try:
        return callable(getattr(importlib.import_module(module), name, None))
    except Exception:  # noqa: BLE001 - whatever an import raises, the function isn't there
        return False


def _requirements(where: str, required: list[Mapping[str, Any]], schemes: Mapping[str, Any]) -> Iterator[Finding]:
    for alternative in required:
        if not alternative:
            yield Finding(where, "makes its security optional; an operation is public or it isn't")
        if len(alternative) > 1:
            yield Finding(where, "wants several security schemes at once, which is not served")
        for name, scopes in alternative.items():
            if name not in schemes:
                yield Finding(where, f"names the security scheme {name}, which is not declared")
            if scopes:
                yield Finding(where, f"gives {name} scopes, which nothing enforces; use {PERMISSION}")


def _permission(entry: Entry, document: Mapping[str, Any], permissions: Collection[str]) -> Iterator[Finding]:
    permission = entry.node.get(PERMISSION)
    if permission is not None and not isinstance(permission, str):
        yield Finding(entry.where, f"its {PERMISSION} is not one permission's name")
        return
    public = entry.node.get("security") == []
    if public and permission is not None:
        yield Finding(entry.where, f"is public (security: []), yet has {PERMISSION}")
    elif not public and permission is None:
        yield Finding(entry.where, f"is neither public (security: []) nor has it {PERMISSION}")
    elif not public and not entry.node.get("security", document.get("security")):
        yield Finding(entry.where, f"has {PERMISSION}, but no security scheme to find the caller by")
    if permission is not None and permission not in (*permissions, NO_PERMISSION):
        yield Finding(entry.where, f"requires {permission}, which is not a permission")
