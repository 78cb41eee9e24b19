"""Checks that everything a schema says is enforced: keywords, formats, patterns."""

from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.compiled.formats import FORMATS, Format
from automation.contract.compiled.schemas import KEYWORDS, Schemas
from automation.contract.document.findings import Finding
from automation.contract.document.naming import FORM
from automation.contract.document.outline import Site

LONGEST_FORM = 150
"""How many characters the words for a form have at the most."""


def check(sites: list[Site], schemas: Schemas) -> Iterator[Finding]:
    """Yield what is wrong with the schemas of a document."""
    used = [site for site in sites if site.kind == "schema" and site.reference is None]
    unproven = {name for name, each in FORMATS.items() if not proven(each, schemas)}
    for site in sites:
        yield from _form(site)
    for site in used:
        yield from _keywords(site)
        yield from _format(site, unproven)
        yield from _pattern(site, schemas)
        yield from _contradictions(site.where, site.node)


def proven(each: Format, schemas: Schemas) -> bool:
    """Return whether a compiled validator takes all good samples of a format and refuses all bad ones."""
    validator = schemas.validator({"type": each.type, "format": each.name})
    return all(map(validator.is_valid, each.good)) and not any(map(validator.is_valid, each.bad))


def _keywords(site: Site) -> Iterator[Finding]:
    for keyword in site.node:
        if keyword not in KEYWORDS and not keyword.startswith("x-"):
            yield Finding(site.where, f"its keyword {keyword} is not enforced")


def _format(site: Site, unproven: set[str]) -> Iterator[Finding]:
    name = site.node.get("format")
    if name is None:
        return
    if name not in FORMATS or name in unproven:
        yield Finding(site.where, f"its format {name} is not enforced")
    elif site.node.get("type") != FORMATS[name].type:
        yield Finding(site.where, f"its format {name} is for the type {FORMATS[name].type} only")


def _pattern(site: Site, schemas: Schemas) -> Iterator[Finding]:
    if "pattern" not in site.node:
        return
    try:
        schemas.validator({"type": "string", "pattern": site.node["pattern"]})
    except ValueError:
        yield Finding(site.where, "its pattern is not a regular expression that can be matched in linear time")


def _form(site: Site) -> Iterator[Finding]:
    """Yield what is wrong with the words for a form: they end a sentence that clients read."""
    if FORM not in site.node:
        return
    form = site.node[FORM]
    if site.kind != "schema" or not site.node.keys() & {"format", "pattern"}:
        yield Finding(site.where, f"its {FORM} stands beside neither a pattern nor a format")
    if not isinstance(form, str) or not 0 < len(form) <= LONGEST_FORM or not form.isprintable():
        yield Finding(site.where, f"its {FORM} is no text of one line and at most {LONGEST_FORM} characters")


def _contradictions(where: str, schema: Mapping[str, Any]) -> Iterator[Finding]:
    if schema.get("nullable") and "type" not in schema:
        yield Finding(where, "is nullable, which means nothing without a type beside it (OpenAPI 3.0.3)")
    if schema.get("nullable") and "enum" in schema and None not in schema["enum"]:
        yield Finding(where, "is nullable, but its enum has no null")
    if schema.get("type") == "array" and "items" not in schema:
        yield Finding(where, "is an array without items")
    for name in schema.get("required", ()) if "properties" in schema else ():
        if name not in schema["properties"]:
            yield Finding(where, f"requires {name}, which is not among its properties")
