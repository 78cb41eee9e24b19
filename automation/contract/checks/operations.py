"""Checks that each operation says what clients, the router and the tools need to know of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.compiled.bodies import BODY_MEDIA_TYPE, PATCH_MEDIA_TYPE
from automation.contract.compiled.operations import MAX_BODY_BYTES, RAW_BODY, RAW_HEADERS
from automation.contract.compiled.problem_rules import COMPONENT, MEDIA_TYPE
from automation.contract.document.findings import Finding
from automation.contract.document.naming import HOOK_TOKEN, LOWER_CAMEL_CASE, NO_PERMISSION, PERMISSION
from automation.contract.document.outline import Entry
from automation.contract.document.references import follow

SERVED = frozenset({"get", "put", "post", "delete", "patch"})
ERRORS = range(400, 600)
SUCCESSES = range(200, 300)
NOT_MODIFIED = "304"
WRITES = frozenset({"put", "post", "delete", "patch"})
BODILESS = frozenset({"204", NOT_MODIFIED})


def check(entries: list[Entry], document: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the operations of a document, security and parameters aside."""
    uses = Counter(entry.node.get("operationId") for entry in entries)
    tags = {tag["name"] for tag in document.get("tags", [])}
    if COMPONENT not in document.get("components", {}).get("schemas", {}):
        yield Finding("#/components/schemas", f"has no {COMPONENT}, the schema of every error")
    for entry in entries:
        yield from _identity(entry, uses)
        yield from _tags(entry, tags)
        yield from _texts(entry)
        yield from _body(entry, document)
        yield from _responses(entry, document)


def _identity(entry: Entry, uses: Counter[str | None]) -> Iterator[Finding]:
    name = entry.node.get("operationId")
    if entry.method not in SERVED:
        reason = "HEAD is served wherever GET is" if entry.method == "head" else "this method is not served"
        yield Finding(entry.where, f"can't be declared: {reason}")
    if name is None:
        yield Finding(entry.where, "has no operationId")
        return
    if uses[name] > 1:
        yield Finding(entry.where, f"has the operationId {name}, which another operation has too")
    if not LOWER_CAMEL_CASE.fullmatch(name):
        yield Finding(entry.where, f"its operationId {name} is not in lowerCamelCase")


def _tags(entry: Entry, declared: set[str]) -> Iterator[Finding]:
    tags = entry.node.get("tags", [])
    if len(tags) != 1:
        yield Finding(entry.where, f"has {len(tags) or 'no'} tags; the one tag names its handler's module")
    for tag in tags:
        if tag not in declared:
            yield Finding(entry.where, f"its tag {tag} is not declared in #/tags")


def _texts(entry: Entry) -> Iterator[Finding]:
    for field in ("summary", "description"):
        if not str(entry.node.get(field, "")).strip():
            yield Finding(entry.where, f"has no {field}")
    for field in ("callbacks", "servers"):
        if field in entry.node:
            yield Finding(entry.where, f"has {field}, which are not served")


def _body(entry: Entry, document: Mapping[str, Any]) -> Iterator[Finding]:
    limit = entry.node.get(MAX_BODY_BYTES)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        yield Finding(entry.where, f"its {MAX_BODY_BYTES} is not a positive integer")
    if "requestBody" not in entry.node:
        if limit is not None:
            yield Finding(entry.where, f"has {MAX_BODY_BYTES}, but no body")
        return
    content = follow(document, entry.node["requestBody"])["content"]
    expected = PATCH_MEDIA_TYPE if entry.method == "patch" else BODY_MEDIA_TYPE
    if RAW_BODY in entry.node:
        yield from _raw_body(entry, content)
    elif content.keys() != {expected}:
        yield Finding(entry.where, f"its body must be {expected} and nothing else: nothing else is read")
    if entry.method in {"get", "delete"}:
        yield Finding(entry.where, f"has a body, which {entry.method.upper()} gives no meaning to (RFC 9110)")


def _raw_body(entry: Entry, content: Mapping[str, Any]) -> Iterator[Finding]:
    taken = entry.node[RAW_BODY]
    if not isinstance(taken, list) or not taken or not all(isinstance(each, str) for each in taken):
        yield Finding(entry.where, f"its {RAW_BODY} is no list of media types")
    elif not content.keys() <= set(taken):
        yield Finding(entry.where, f"its body has media types that its {RAW_BODY} doesn't name")
    begin = entry.node.get(RAW_HEADERS, "x-")
    if not isinstance(begin, str) or not begin or begin != begin.lower():
        yield Finding(entry.where, f"its {RAW_HEADERS} is not how names of headers begin, in lower case")


def _responses(entry: Entry, document: Mapping[str, Any]) -> Iterator[Finding]:
    responses = {status: follow(document, each) for status, each in entry.node["responses"].items()}
    explicit = {status for status in responses if status.isdigit()}
    for status in sorted(responses.keys() - explicit):
        yield Finding(entry.where, f"documents {status}; only explicit status codes can be held to")
    if not any(int(status) in SUCCESSES for status in explicit):
        yield Finding(entry.where, "documents no success")
    for status in _own_errors(entry, document):
        if status not in explicit:
            yield Finding(entry.where, f"does not document {status}, which it can answer")
    for status in sorted(explicit):
        yield from _content(entry, status, responses[status].get("content", {}))
    if NOT_MODIFIED in explicit and not _takes(entry, "if-none-match"):
        yield Finding(entry.where, f"documents {NOT_MODIFIED}, but takes no If-None-Match")
    if entry.method in WRITES and HOOK_TOKEN not in entry.node and not _takes(entry, "idempotency-key"):
        yield Finding(entry.where, "takes no Idempotency-Key, as every operation does that changes something")


def _content(entry: Entry, status: str, content: Mapping[str, Any]) -> Iterator[Finding]:
    if int(status) in ERRORS and content.keys() != {MEDIA_TYPE}:
        yield Finding(entry.where, f"its {status} is not {MEDIA_TYPE}")
    if status in BODILESS and content:
        yield Finding(entry.where, f"its {status} has a body, which HTTP doesn't let it have")


def _own_errors(entry: Entry, document: Mapping[str, Any]) -> list[str]:
    """Return the errors that an operation can answer before its handler is called: unknown parameters to begin with."""
    secured = bool(entry.node.get("security", document.get("security", [])))
    body = "requestBody" in entry.node
    permitted = entry.node.get(PERMISSION) not in (None, NO_PERMISSION)
    return [
        "400",
        *(("401",) if secured else ()),
        *(("403",) if secured and permitted else ()),
        *(("413", "415") if body else ()),
        *(("404",) if HOOK_TOKEN in entry.node else ()),
        *(("429",) if secured or HOOK_TOKEN in entry.node else ()),
        "500",
    ]


def _takes(entry: Entry, header: str) -> bool:
    return any(each["in"] == "header" and each["name"].lower() == header for each in entry.parameters)
