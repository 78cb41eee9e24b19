"""A contract as comparisons look at it: checked for its form, with shared parts put in place where they are used.

Only schemas stay references: they may be recursive, and their names are what clients call their types.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, cached_property
from typing import Any

from automation.contract.checks import structure
from automation.contract.document.document import parse
from automation.contract.document.findings import ContractError
from automation.contract.document.naming import FORM
from automation.contract.document.outline import Entry, entries, rewrite, sites
from automation.contract.document.references import follow
from tools.contract_diff.changes import Direction

Json = Mapping[str, Any]

COMPONENT = "x-component"
"""Where a part that was put in place keeps the name of the component it came from."""
PROSE = frozenset({"title", "description", "example", "externalDocs", "deprecated", FORM})
"""What a schema tells people; the rest is what it means."""
FIRST_MEDIA_TYPE = "application/json"


class PartKind(Enum):
    """What a part is; of several media types one is the body, and the others are variants of it."""

    PARAMETER = auto()
    BODY = auto()
    VARIANT = auto()
    HEADER = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that clients send or get in an operation, with the schema that describes it.

    Args:
        component: The name of the shared part that it is.
    """

    kind: PartKind
    direction: Direction
    schema: Json
    component: str | None = None


@dataclass(frozen=True)
class Contract:
    """A contract with its shared parts put in place."""

    document: Json

    @cached_property
    def operations(self) -> Mapping[tuple[str, str], Entry]:
        """The operations by path and method."""
        return {(entry.path, entry.method): entry for entry in entries(self.document)}

    @cached_property
    def parts(self) -> Mapping[str, Mapping[str, Part]]:
        """The parts of each operation, by the operation's name and theirs."""
        return {entry.name: dict(_parts(entry)) for entry in self.operations.values()}

    @property
    def schemas(self) -> Json:
        """The schemas that have a name."""
        schemas: Json = self.document.get("components", {}).get("schemas", {})
        return schemas


@cache
def read(text: str) -> Contract:
    """Return the contract that a text is; the same text is read once.

    Raises:
        ContractError: It is not OpenAPI 3.0, or a reference leads nowhere.
    """
    document = parse(text)
    findings = list(structure.shape(document)) or list(structure.references(list(sites(document)), document))
    if findings:
        raise ContractError(findings)
    return laid_out(document)


def laid_out(document: Json) -> Contract:
    """Return a sound document as a contract to compare."""

    def in_place(kind: str, node: Json) -> Json:
        if kind == "schema":
            return _without_wrapping(node)
        return {**follow(document, node), COMPONENT: component_name(node)} if "$ref" in node else node

    return Contract(rewrite("document", document, in_place))


def component_name(node: Json) -> str | None:
    """Return the name of the component that a reference leads to, None for what is no reference."""
    return str(node["$ref"]).rpartition("/")[2] if "$ref" in node else None


def _without_wrapping(schema: Json) -> Json:
    """Return what a lone ``allOf`` holds: OpenAPI 3.0's way of describing a reference where it is used."""
    wrapped = schema.get("allOf", ())
    return wrapped[0] if len(wrapped) == 1 and schema.keys() - PROSE == {"allOf"} else schema


def _parts(entry: Entry) -> Iterator[tuple[str, Part]]:
    for parameter in entry.parameters:
        yield parameter_part(parameter), _part(PartKind.PARAMETER, Direction.REQUEST, parameter)
    if "requestBody" in entry.node:
        yield from _bodies("request body", entry.node["requestBody"], Direction.REQUEST)
    for status, response in entry.node["responses"].items():
        yield from _bodies(f"response {status}", response, Direction.RESPONSE)
        for name, header in response.get("headers", {}).items():
            yield header_part(status, name), _part(PartKind.HEADER, Direction.RESPONSE, header)


def parameter_part(parameter: Json) -> str:
    """Return the name of the part that is a parameter."""
    return f"{parameter['in']} parameter {parameter['name']}"


def status_part(status: str) -> str:
    """Return what an operation's answering with a status at all is called; whatever it answers, that is its own."""
    return f"status {status}"


def header_part(status: str, name: str) -> str:
    """Return the name of the part that is a response's header."""
    return f"response {status} header {name.lower()}"


def _part(kind: PartKind, direction: Direction, node: Json) -> Part:
    return Part(kind, direction, node.get("schema", {}), node.get(COMPONENT))


def _bodies(name: str, node: Json, direction: Direction) -> Iterator[tuple[str, Part]]:
    """Yield the body under the name alone, even where it is empty, and its variants under their media types too."""
    content = node.get("content", {})
    first = FIRST_MEDIA_TYPE if FIRST_MEDIA_TYPE in content else next(iter(content), None)
    yield name, Part(PartKind.BODY, direction, content.get(first, {}).get("schema", {}), node.get(COMPONENT))
    for media_type in content.keys() - {first}:
        yield f"{name} as {media_type}", _part(PartKind.VARIANT, direction, content[media_type])
