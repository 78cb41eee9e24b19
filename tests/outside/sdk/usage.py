"""Parts of the contract that requests make use of: operations, their parameters, the members of their bodies."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, urlsplit

from automation.contract.document.outline import Entry
from automation.contract.document.references import follow
from tests.outside.sdk.recorder import Exchange
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES


def offered() -> set[str]:
    """Return every part that the contract has, in words: ``getAutomationExecution header x-tenant-id``."""
    return {part for entry in ENTRIES for part in (entry.name, *_parameters(entry), *_members(entry))}


def used(exchanges: Iterable[Exchange]) -> set[str]:
    """Return every part that the requests made use of, in the same words."""
    return {part for exchange in exchanges for part in _parts(exchange)}


def _parts(exchange: Exchange) -> Iterator[str]:
    entry = _entry(exchange)
    yield entry.name
    for parameter in entry.parameters:
        given = exchange.headers if parameter["in"] == "header" else parse_qs(urlsplit(exchange.path).query)
        anything = follow(DOCUMENT, parameter["schema"]).get("type") == "object"  # its members stand in the query
        if parameter["in"] == "path" or parameter["name"].lower() in given or (anything and given):
            yield f"{entry.name} {parameter['in']} {parameter['name']}"
    for member in json.loads(exchange.body or "{}"):
        yield f"{entry.name} body {member}"


def _entry(exchange: Exchange) -> Entry:
    (entry,) = [
        entry
        for entry in ENTRIES
        if entry.method.upper() == exchange.method and re.fullmatch(_pattern(entry.path), urlsplit(exchange.path).path)
    ]
    return entry


def _pattern(path: str) -> str:
    return re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))


def _parameters(entry: Entry) -> Iterator[str]:
    for parameter in entry.parameters:
        yield f"{entry.name} {parameter['in']} {parameter['name']}"


def _members(entry: Entry) -> Iterator[str]:
    content = entry.node.get("requestBody", {}).get("content", {})
    for media_type in content.values():
        for name, member in follow(DOCUMENT, media_type["schema"]).get("properties", {}).items():
            if not member.get("readOnly", False):  # may be sent back as it was read, which not every generator offers
                yield f"{entry.name} body {name}"
