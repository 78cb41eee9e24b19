"""Checks that OpenAPI's ``links`` lead to operations that exist, with parameters that these have."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.document.findings import Finding
from automation.contract.document.outline import Entry, Site

_expression = re.compile(
    r"\$(?:url|method|statusCode|(?:request|response)\.(?:header\.[^#]+|query\..+|path\..+|body(?:#(?:/.*)?)?))"
).fullmatch


def check(sites: list[Site], entries: list[Entry]) -> Iterator[Finding]:
    """Yield what is wrong with the links of a document."""
    targets = {entry.node.get("operationId"): entry for entry in entries}
    for site in sites:
        if site.kind == "link" and site.reference is None:
            yield from _link(site, targets)


def _link(site: Site, targets: Mapping[Any, Entry]) -> Iterator[Finding]:
    target = targets.get(site.node.get("operationId"))
    if "operationId" not in site.node:
        yield Finding(site.where, "names no operationId")
    elif target is None:
        yield Finding(site.where, f"leads to {site.node['operationId']}, which is not in the contract")
    else:
        yield from _parameters(site, target)


def _parameters(site: Site, target: Entry) -> Iterator[Finding]:
    given = site.node.get("parameters", {})
    known = {each["name"] for each in target.parameters}
    qualified = {f"{each['in']}.{each['name']}" for each in target.parameters}
    for name, value in given.items():
        if name not in known | qualified:
            yield Finding(site.where, f"gives {target.name} the parameter {name}, which it doesn't take")
        if isinstance(value, str) and value.startswith("$") and not _expression(value):
            yield Finding(site.where, f"its expression for {name} is not a runtime expression")
    for each in target.parameters:
        if each.get("required") and not {each["name"], f"{each['in']}.{each['name']}"} & given.keys():
            yield Finding(site.where, f"does not give {target.name} the parameter {each['name']}, which it requires")
