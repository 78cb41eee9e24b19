"""One operation of a checked contract, as the rest of the service needs to know it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automation.contract.compiled.bodies import BODY_MEDIA_TYPE, MAX_BYTES
from automation.contract.compiled.parameters import Parameter, compiled
from automation.contract.compiled.schemas import Schemas
from automation.contract.document.naming import PERMISSION, snake_case
from automation.contract.document.outline import Entry
from automation.contract.document.references import follow

MAX_BODY_BYTES = "x-max-body-bytes"
OPAQUE = "x-opaque"

# Header parameters that say when to act, not what to answer with: no cache has to tell answers apart by them.
PRECONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "idempotency-key"})


@dataclass(frozen=True, slots=True)
class Body:
    """The request body of an operation: whether it must be there, how large it may be, its schema and media type.

    ``opaque`` are the members that only pass through, and are kept as the text that they came as.
    """

    required: bool
    max_bytes: int
    schema: Mapping[str, Any]
    opaque: frozenset[str]
    media_type: str = BODY_MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: where it is, who may call it, what it takes and what it answers.

    ``public`` is what it says itself (``security: []``), ``security`` the requirements that hold for it, its own or the
    document's; ``permission`` is None where it names none. ``responses`` holds the Response Objects by status,
    references followed. ``vary`` is the value of ``Vary`` on what it answers, empty for a public one.
    """

    operation_id: str
    method: str
    path: str
    tag: str
    public: bool
    security: Sequence[Mapping[str, Any]]
    permission: str | None
    parameters: tuple[Parameter, ...]
    body: Body | None
    responses: Mapping[int, Mapping[str, Any]]
    vary: str

    @property
    def refused_preconditions(self) -> frozenset[str]:
        """The preconditions, in lower case, under which it can't act or not act: it takes no such header.

        If-None-Match of a read that has no entity tag holds always (RFC 9110, section 13.1.2).
        """
        taken = {each.name.lower() for each in self.parameters if each.location == "header"}
        known = {"if-match"} if self.method == "GET" else {"if-match", "if-none-match"}
        return frozenset(known - taken)

    @property
    def where(self) -> str:
        """Its place in words: ``GET /healthz``."""
        return f"{self.method} {self.path}"

    @property
    def function(self) -> str:
        """The name of its handler: the operationId in snake case."""
        return snake_case(self.operation_id)


def operation(entry: Entry, document: Mapping[str, Any], schemas: Schemas) -> Operation:
    """Return the operation that an entry of a checked document defines."""
    public = entry.node.get("security") == []
    return Operation(
        operation_id=entry.node["operationId"],
        method=entry.method.upper(),
        path=entry.path,
        tag=entry.node["tags"][0],
        public=public,
        security=entry.node.get("security", document.get("security", [])),
        permission=entry.node.get(PERMISSION),
        parameters=tuple(compiled(each, document, schemas) for each in entry.parameters),
        body=_body(entry, document),
        responses={int(status): follow(document, each) for status, each in entry.node["responses"].items()},
        vary="" if public else ", ".join(_varying(entry, document)),
    )


def _body(entry: Entry, document: Mapping[str, Any]) -> Body | None:
    if "requestBody" not in entry.node:
        return None
    definition = follow(document, entry.node["requestBody"])
    ((name, media_type),) = definition["content"].items()
    schema = media_type.get("schema", {})
    members = follow(document, schema).get("properties", {})
    return Body(
        required=definition.get("required", False),
        max_bytes=entry.node.get(MAX_BODY_BYTES, MAX_BYTES),
        schema=schema,
        opaque=frozenset(member_name for member_name, member in members.items() if member.get(OPAQUE)),
        media_type=name,
    )


def _varying(entry: Entry, document: Mapping[str, Any]) -> list[str]:
    """Return the headers that an answer depends on: those of the security schemes, then the operation's own."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    required = entry.node.get("security", document.get("security", []))
    keys = [scheme["name"] for each in required for name in each if (scheme := schemes[name]).get("in") == "header"]
    headers = [each["name"] for each in entry.parameters if each["in"] == "header"]
    return list(dict.fromkeys(name.lower() for name in (*keys, *headers) if name.lower() not in PRECONDITIONS))
