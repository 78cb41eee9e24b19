"""Checks that paths can be told apart, and that every variable part of a path is a parameter."""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from automation.contract.document.findings import Finding
from automation.contract.document.outline import Entry
from automation.contract.document.paths import ambiguous, parameter_names

_name = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").fullmatch


def check(entries: list[Entry], document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the paths of a document."""
    paths = [path for path in document["paths"] if path.startswith("/")]
    for path in paths:
        yield from _path(path)
    for first, second in combinations(paths, 2):
        if ambiguous(first, second):
            yield Finding(second, f"is ambiguous: a request for it could also mean {first}")
    for entry in entries:
        yield from _parameters(entry)


def _path(path: str) -> Iterator[Finding]:
    names = parameter_names(path)
    if path != "/" and path.endswith("/"):
        yield Finding(path, "ends with a slash: no path but / may")
    for name in names:
        if not _name(name):
            yield Finding(path, f"its parameter {name or 'without a name'} must have letters, digits, - and _ only")
    if len(set(names)) < len(names):
        yield Finding(path, "has a parameter twice")


def _parameters(entry: Entry) -> Iterator[Finding]:
    declared = {each["name"] for each in entry.parameters if each["in"] == "path"}
    named = set(parameter_names(entry.path))
    for name in sorted(named - declared):
        yield Finding(entry.where, f"does not declare the path parameter {name}")
    for name in sorted(declared - named):
        yield Finding(entry.where, f"declares the path parameter {name}, which is not in its path")
