"""Changes of responses that specshift misses: new successes, headers, links, and codes of problems.

Each rule looks at two versions of an operation and yields the part it is about and what changed in it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from automation.contract.compiled.problem_rules import MEDIA_TYPE
from automation.contract.document.outline import Entry
from tools.contract_diff.contracts import Contract, Json, header_part, status_part

Found = Iterator[tuple[str, str]]
NOT_MODIFIED = "304"


def new_success(old: Entry, new: Entry) -> Found:
    """Yield successes and redirects that an old client doesn't expect; 304 comes only to those who ask for it.

    New errors are compatible: a client takes one that it doesn't know for 400 or 500 (RFC 9110, section 15).
    """
    for status in new.node["responses"].keys() - old.node["responses"].keys() - {NOT_MODIFIED}:
        if status.startswith(("2", "3")):
            yield status_part(status), "it may come now"


def headers(old: Entry, new: Entry) -> Found:
    """Yield headers that don't come any more, or may be left out."""
    for status, before, after in _responses(old, new):
        remaining = {name.lower(): header for name, header in after.get("headers", {}).items()}
        for name, header in before.get("headers", {}).items():
            if name.lower() not in remaining:
                yield f"response {status}", f"the header {name} is gone"
            elif header.get("required") and not remaining[name.lower()].get("required"):
                yield header_part(status, name), "the header may be left out now"


def links(old: Entry, new: Entry) -> Found:
    """Yield links that don't lead any more where they led."""
    for status, before, after in _responses(old, new):
        remaining = after.get("links", {})
        for name, link in before.get("links", {}).items():
            if name not in remaining:
                yield f"response {status}", f"the link {name} is gone"
            elif _target(link) != _target(remaining[name]):
                yield f"response {status}", f"the link {name} leads to {_target(remaining[name])} now"


RULES: Mapping[str, Callable[[Entry, Entry], Found]] = {
    "success-added": new_success,
    "header": headers,
    "link": links,
}


def lost_codes(old: Entry, new: Entry, known: frozenset[str]) -> Found:
    """Yield codes of problems that the old examples show and no example does any more."""
    for status, before, _ in _responses(old, new):
        yield from ((f"response {status}", f"the code {code} is gone") for code in sorted(_codes(before) - known))


def codes(contract: Contract) -> frozenset[str]:
    """Return the codes of problems that a contract's examples show."""
    responses = [each for entry in contract.operations.values() for each in entry.node["responses"].values()]
    return frozenset(code for response in responses for code in _codes(response))


def _responses(old: Entry, new: Entry) -> Iterator[tuple[str, Json, Json]]:
    """Yield the status and both versions of every response that is in both."""
    after = new.node["responses"]
    for status, response in old.node["responses"].items():
        if status in after:
            yield status, response, after[status]


def _target(link: Json) -> Any:
    return link.get("operationId", link.get("operationRef"))


def _codes(response: Json) -> set[str]:
    examples = response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}).values()
    values = [example.get("value") for example in examples]
    return {value["code"] for value in values if isinstance(value, Mapping) and "code" in value}
