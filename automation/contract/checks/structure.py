"""Checks that a document is OpenAPI 3.0 at all: every other check relies on it."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

import jsonschema_rs

from automation.contract.document.findings import Finding
from automation.contract.document.outline import Entry, Site
from automation.contract.document.references import UnresolvedReference, follow, pointer

SECTIONS: Mapping[str, str] = {
    "schema": "schemas",
    "response": "responses",
    "parameter": "parameters",
    "example": "examples",
    "request body": "requestBodies",
    "header": "headers",
    "security scheme": "securitySchemes",
    "link": "links",
    "callback": "callbacks",
}
LONGEST_MESSAGE = 200

_PACKAGE = "openapi_spec_validator"
_FORM = "schemas/v3.0/schema.json"


def shape(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield where a document is not of OpenAPI 3.0's form."""
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith("3.0."):
        yield Finding("#/openapi", "must be 3.0.x: Connexion knows no other version 3")
        return
    # Formats are left to the checks of schemas, which say it in better words.
    validator = jsonschema_rs.Draft4Validator(_form(), validate_formats=False)
    for error in validator.iter_errors(document):
        precise = _most_precise(error)
        yield Finding("#" + pointer(*precise.instance_path), textwrap.shorten(precise.message, LONGEST_MESSAGE))


def references(sites: list[Site], document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield every ``$ref`` that cannot be resolved, names a component of the wrong kind, or hides its siblings."""
    for site in sites:
        if site.reference is not None:
            yield from _reference(site, site.reference, document)


def _form() -> dict[str, Any]:
    """Return OpenAPI's own schema of a document: read from the package that has it, which takes long to import."""
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
    form: dict[str, Any] = json.loads(Path(package.origin).with_name("resources").joinpath(_FORM).read_bytes())
    return form


def _reference(site: Site, reference: str, document: Mapping[str, Any]) -> Iterator[Finding]:
    section = SECTIONS.get(site.kind)
    if section is None:
        yield Finding(site.where, f"a {site.kind} can't be a $ref")
    elif not reference.startswith(f"#/components/{section}/"):
        yield Finding(site.where, f"its $ref {reference} does not lead to #/components/{section}")
    elif not _resolves(site, document):
        yield Finding(site.where, f"its $ref {reference} leads nowhere")
    if len(site.node) > 1:
        silenced = ", ".join(sorted(site.node.keys() - {"$ref"}))
        yield Finding(site.where, f"$ref silences what stands beside it: {silenced}")


def _resolves(site: Site, document: Mapping[str, Any]) -> bool:
    try:
        follow(document, site.node)
    except UnresolvedReference:
        return False
    return True


def orphans(sites: list[Site], entries: list[Entry], document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield every component that no operation leads to, directly or through others."""
    used = {f"#/components/securitySchemes/{name}" for name in _schemes(entries, document)}
    led_to = _references_by_place(sites)
    waiting = [site.reference for site in sites if site.where.startswith("#/paths") and site.reference]
    while waiting:
        component = waiting.pop()
        if component not in used:
            used.add(component)
            waiting.extend(led_to.get(component, ()))
    for section, components in document.get("components", {}).items():
        for name in components if isinstance(components, Mapping) else ():
            where = f"#/components/{section}{pointer(name)}"
            if where not in used:
                yield Finding(where, "is used by no operation")


def _references_by_place(sites: list[Site]) -> Mapping[str, list[str]]:
    """Return what each part refers to: itself, or by something in it."""
    found: dict[str, list[str]] = {}
    for site in sites:
        if site.reference:
            for place in accumulate(site.where.split("/"), "{}/{}".format):
                found.setdefault(place, []).append(site.reference)
    return found


def _schemes(entries: list[Entry], document: Mapping[str, Any]) -> set[str]:
    required = [entry.node.get("security", document.get("security", [])) for entry in entries]
    return {name for each in required for alternative in each for name in alternative}


def _most_precise(error: jsonschema_rs.ValidationError) -> jsonschema_rs.ValidationError:
    """Return the error that says most: of alternatives, what is wrong with the one that was meant."""
    kinds = jsonschema_rs.ValidationErrorKind
    while isinstance(error.kind, kinds.AnyOf | kinds.OneOfNotValid):
        _, _, meant = min((_unmeant(each), len(each), number) for number, each in enumerate(error.kind.context))
        error = max(error.kind.context[meant], key=lambda inner: len(inner.instance_path))
    return error


def _unmeant(alternative: list[jsonschema_rs.ValidationError]) -> bool:
    """Return whether an alternative is for something else: OpenAPI's Reference Object, or another kind of parameter."""
    return any(
        getattr(error.kind, "property", None) == "$ref" or error.instance_path[-1:] == ["in"] for error in alternative
    )
