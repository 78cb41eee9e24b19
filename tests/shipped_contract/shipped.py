"""The shipped contract, as the parity tests look at it: read once, never changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from automation.contract.document.document import default_path, load
from automation.contract.document.outline import Entry, entries
from automation.contract.document.references import follow

DOCUMENT: Mapping[str, Any] = load(default_path())
ENTRIES: tuple[Entry, ...] = tuple(entries(DOCUMENT))
NAMES: tuple[str, ...] = tuple(entry.name for entry in ENTRIES)
SCHEMAS: Mapping[str, Any] = DOCUMENT["components"]["schemas"]


def responses(entry: Entry) -> Mapping[int, Mapping[str, Any]]:
    """Return an operation's responses by status."""
    return {int(status): follow(DOCUMENT, response) for status, response in entry.node["responses"].items()}


def examples(content: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the values of a media type's named examples."""
    for example in content.get("examples", {}).values():
        yield follow(DOCUMENT, example)["value"]
