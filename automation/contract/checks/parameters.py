"""Checks that every parameter and response header can be decoded, and reaches the handler under its own name."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.document.findings import Finding
from automation.contract.document.naming import snake_case
from automation.contract.document.outline import Entry, Site
from automation.contract.document.references import follow
from automation.contract.serving.binding import BODY

LOCATIONS = frozenset({"path", "query", "header"})
# OpenAPI has these ignored where they are parameters.
RESERVED = frozenset({"accept", "authorization", "content-type"})
SCALARS = frozenset({"string", "integer", "number", "boolean"})
STYLES: Mapping[str, str] = {"path": "simple", "query": "form", "header": "simple"}


def check(sites: list[Site], entries: list[Entry], document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the parameters and response headers of a document."""
    for site in sites:
        if site.kind == "parameter" and site.reference is None:
            yield from _parameter(site.where, site.node, document)
        elif site.kind == "header" and site.reference is None:
            yield from _value(site.where, {**site.node, "in": "header"}, document)
    for entry in entries:
        yield from _names(entry)


def _parameter(where: str, parameter: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Finding]:
    location = parameter["in"]
    if location not in LOCATIONS:
        yield Finding(where, f"is a {location} parameter, which is not read")
        return
    if location == "header" and parameter["name"].lower() in RESERVED:
        yield Finding(where, f"{parameter['name']} can't be a parameter: OpenAPI has it ignored")
    if not parameter.get("description", "").strip():
        yield Finding(where, "has no description")
    yield from _value(where, parameter, document)


def _value(where: str, parameter: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Finding]:
    location = parameter["in"]
    if "schema" not in parameter:
        yield Finding(where, "has no schema; content is not decoded here")
        return
    if parameter.get("style", STYLES[location]) != STYLES[location]:
        yield Finding(where, f"its style {parameter['style']} is not decoded")
    if parameter.get("explode", location == "query") != (location == "query"):
        yield Finding(where, "its explode is not the default, and not decoded")
    for field in ("allowReserved", "allowEmptyValue"):
        if parameter.get(field):
            yield Finding(where, f"has {field}, which changes nothing here")
    yield from _type(where, location, follow(document, parameter["schema"]), document)


def _type(where: str, location: str, schema: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Finding]:
    if schema.get("nullable"):
        yield Finding(where, "can't be nullable: a parameter has no way to be null")
    if schema.get("type") == "array" and location != "path":
        item = follow(document, schema.get("items", {}))
        if item.get("type") not in SCALARS:
            yield Finding(where, "is an array of something else than strings, numbers or booleans")
    elif (schema.get("type"), location) == ("object", "query"):
        if follow(document, schema.get("additionalProperties", {})) != {"type": "string"}:
            yield Finding(where, "is an object of something else than any query parameters, strings all of them")
    elif schema.get("type") not in SCALARS:
        yield Finding(where, f"its type {schema.get('type', '(none)')} is not decoded in a {location}")


def _names(entry: Entry) -> Iterator[Finding]:
    """Two parameters must not reach the handler as one argument; nor may one come in the place of the body."""
    uses = Counter(snake_case(each["name"]) for each in entry.parameters)
    if "requestBody" in entry.node:
        uses[BODY] += 1
    for name, count in uses.items():
        if count > 1:
            yield Finding(entry.where, f"has {count} things that its handler would get as {name}")
