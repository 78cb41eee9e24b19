"""One operation of a checked contract, as the rest of the service needs to know it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automation.contract.compiled.bodies import BODY_MEDIA_TYPE, MAX_BYTES
from automation.contract.compiled.parameters import Parameter, compiled
from automation.contract.compiled.schemas import Schemas
from automation.contract.document.naming import HOOK_TOKEN, PERMISSION, snake_case
from automation.contract.document.outline import Entry
from automation.contract.document.references import follow

MAX_BODY_BYTES = "x-max-body-bytes"
OPAQUE = "x-opaque"
RAW_BODY = "x-raw-body"
RAW_HEADERS = "x-raw-headers"
SHOWN_ONCE = "x-shown-once"
WRITE_ONLY = "writeOnly"

# Header parameters that say when to act, not what to answer with: no cache has to tell answers apart by them.
PRECONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "idempotency-key"})


@dataclass(frozen=True, slots=True)
class Body:
    """The request body of an operation: whether it must be there, how large it may be, its schema and media type.

    ``opaque`` are the members that only pass through, and are kept as the text that they came as. ``write_only`` is
    whether a member is one that no answer has: a secret. ``raw`` are the media types of a body that is taken as it
    came, none of one that is read as JSON; ``raw_headers`` is what the names of headers begin with that belong to it.
    """

    required: bool
    max_bytes: int
    schema: Mapping[str, Any]
    opaque: frozenset[str]
    write_only: bool = False
    media_type: str = BODY_MEDIA_TYPE
    raw: tuple[str, ...] = ()
    raw_headers: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: where it is, who may call it, what it takes and what it answers.

    ``public`` is what it says itself (``security: []``), ``security`` the requirements that hold for it, its own or the
    document's; ``permission`` is None where it names none. ``hook`` is the path parameter that is the token of a hook,
    where that stands for an API key. ``responses`` holds the Response Objects by status, references followed;
    ``shown_once`` are the members of answers that an answer that is given again has not. ``vary`` is the value of
    ``Vary`` on what it answers, empty for a public one.
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
    hook: str | None = None
    shown_once: frozenset[str] = frozenset()

    @property
    def refused_preconditions(self) -> frozenset[str]:
        """The preconditions, in lower case, that nothing here can be held against: it takes no such header."""
        taken = {each.name.lower() for each in self.parameters if each.location == "header"}
        return frozenset({"if-match", "if-none-match"} - taken)

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
        hook=entry.node.get(HOOK_TOKEN),
        shown_once=frozenset(_shown_once(entry, document)),
    )


def _shown_once(entry: Entry, document: Mapping[str, Any]) -> Iterator[str]:
    for response in entry.node["responses"].values():
        for content in follow(document, response).get("content", {}).values():
            members = follow(document, content.get("schema", {})).get("properties", {})
            yield from (name for name, member in members.items() if follow(document, member).get(SHOWN_ONCE))


def _body(entry: Entry, document: Mapping[str, Any]) -> Body | None:
    if "requestBody" not in entry.node:
        return None
    definition = follow(document, entry.node["requestBody"])
    max_bytes = entry.node.get(MAX_BODY_BYTES, MAX_BYTES)
    if isinstance(taken := entry.node.get(RAW_BODY), list):
        required = definition.get("required", False)
        return Body(
            required=required,
            max_bytes=max_bytes,
            schema={},
            opaque=frozenset(),
            raw=tuple(taken),
            raw_headers=entry.node.get(RAW_HEADERS),
        )
    ((name, media_type),) = definition["content"].items()
    schema = media_type.get("schema", {})
    members = follow(document, schema).get("properties", {})
    return Body(
        required=definition.get("required", False),
        max_bytes=max_bytes,
        schema=schema,
        opaque=frozenset(member_name for member_name, member in members.items() if member.get(OPAQUE)),
        write_only=any(member.get(WRITE_ONLY) for member in members.values()),
        media_type=name,
    )


def _varying(entry: Entry, document: Mapping[str, Any]) -> list[str]:
    """Return the headers that an answer depends on: those of the security schemes, then the operation's own."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    required = entry.node.get("security", document.get("security", []))
    keys = [scheme["name"] for each in required for name in each if (scheme := schemes[name]).get("in") == "header"]
    headers = [each["name"] for each in entry.parameters if each["in"] == "header"]
    return list(dict.fromkeys(name.lower() for name in (*keys, *headers) if name.lower() not in PRECONDITIONS))
