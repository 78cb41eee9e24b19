"""Runs every check on a contract before it is served, and reports all findings at once.

Form comes first, then references: the rest is looked at on their ground, all of it, whatever is found.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from automation.contract.checks import examples, links, operations, parameters, paths, schemas, security, structure
from automation.contract.compiled.operations import operation
from automation.contract.compiled.schemas import Schemas
from automation.contract.document import installed
from automation.contract.document.findings import ContractError, Finding
from automation.contract.document.outline import Entry, entries, sites
from automation.contract.serving import binding as bindings
from automation.domain.permissions import Permission

PERMISSIONS: Collection[str] = frozenset(Permission)


def check(
    document: Mapping[str, Any],
    *,
    handlers: str = "handlers",
    provided: Collection[type] = (),
    permissions: Collection[str] = PERMISSIONS,
) -> list[Finding]:
    """Return everything that is wrong with a contract and the code behind it, each thing once, in order of place.

    Args:
        document: As ``load`` returns it.
        handlers: The package that the handlers are in, a module for each tag.
        provided: The types that handlers may ask for by annotation.
        permissions: Every permission that there is.
    """
    malformed = list(structure.shape(document))
    if malformed:
        return malformed
    unresolved = list(structure.references(list(sites(document)), document))
    if unresolved:
        return unresolved
    found = [*_content(document, permissions), *_handlers(document, handlers, provided)]
    return sorted(set(found))


def require(document: Mapping[str, Any], **arguments: Any) -> None:
    """Check a contract, as ``check`` does.

    Raises:
        ContractError: With everything that is wrong.
    """
    found = check(document, **arguments)
    if found:
        raise ContractError(found)


def _content(document: Mapping[str, Any], permissions: Collection[str]) -> Iterator[Finding]:
    parts, operations_ = list(sites(document)), list(entries(document))
    compiler = Schemas(document)
    yield from operations.check(operations_, document)
    yield from security.check(operations_, document, permissions)
    yield from paths.check(operations_, document)
    yield from parameters.check(parts, operations_, document)
    yield from schemas.check(parts, compiler)
    yield from examples.check(parts, document, compiler)
    yield from links.check(parts, operations_)
    yield from installed.faults(document)
    yield from structure.orphans(parts, operations_, document)


def _handlers(document: Mapping[str, Any], package: str, provided: Collection[type]) -> Iterator[Finding]:
    compiler = Schemas(document)
    for entry in entries(document):
        yield from _handler(entry, document, compiler, package, provided)


def _handler(
    entry: Entry, document: Mapping[str, Any], compiler: Schemas, package: str, provided: Collection[type]
) -> Iterator[Finding]:
    if not {tag["name"] for tag in document.get("tags", [])}.issuperset(entry.node.get("tags", [])):
        return  # a tag that isn't declared has a finding, and no module
    try:
        compiled = operation(entry, document, compiler)
    except (LookupError, ValueError):
        return  # it has a finding already, and must be mended before its handler can be judged
    yield from bindings.findings(compiled, entry.where, package, provided)
