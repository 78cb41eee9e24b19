"""Words of the contract: what generators write into the comments of clients."""

from collections.abc import Iterator
from typing import Any

from tests.shipped_contract.shipped import DOCUMENT


def test_no_description_ends_the_comment_that_it_is_written_into() -> None:
    assert [text for text in _texts(DOCUMENT) if "*/" in text] == []


def _texts(node: Any) -> Iterator[str]:
    """Yield every description, summary and title at any depth."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"description", "summary", "title"} and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
