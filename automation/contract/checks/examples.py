"""Checks that every example and default is valid: clients copy them, mock servers answer with them."""

from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.compiled.schemas import Schemas
from automation.contract.compiled.violations import places, words
from automation.contract.document.findings import Finding
from automation.contract.document.outline import Site
from automation.contract.document.references import follow, pointer

SHOWING = frozenset({"media type", "parameter", "header"})


def check(sites: list[Site], document: Mapping[str, Any], schemas: Schemas) -> Iterator[Finding]:
    """Yield every example and default of a document that is not valid against its schema."""
    for site in sites:
        if site.kind in SHOWING and site.reference is None and "schema" in site.node:
            yield from _judged(dict(_shown(site, document)), site.node["schema"], schemas)
            yield from _without_value(site, document)
        elif site.kind == "schema" and site.reference is None:
            own = {f"{site.where}/{key}": site.node[key] for key in ("example", "default") if key in site.node}
            yield from _judged(own, site.node, schemas)


def _shown(site: Site, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if "example" in site.node:
        yield f"{site.where}/example", site.node["example"]
    for name, example in site.node.get("examples", {}).items():
        resolved = follow(document, example)
        if "value" in resolved:
            yield f"{site.where}/examples{pointer(name)}", resolved["value"]


def _without_value(site: Site, document: Mapping[str, Any]) -> Iterator[Finding]:
    for name, example in site.node.get("examples", {}).items():
        if "value" not in follow(document, example):
            yield Finding(f"{site.where}/examples{pointer(name)}", "has no value")


def _judged(values: Mapping[str, Any], schema: Mapping[str, Any], schemas: Schemas) -> Iterator[Finding]:
    if not values:
        return
    try:
        validator, whole = schemas.validator(schema), schemas.document(schema)
    except ValueError:
        return  # the schema itself has a finding
    for where, value in values.items():
        for error in validator.iter_errors(value):
            yield Finding(where, f"is not valid: {places(error)[0] or 'it'} {words(error, whole)}")
