"""Promises of the documentation, as a test of a number looks them up."""

from pathlib import Path

_DOCS = Path(__file__).parents[1] / "docs"


def promised(document: str, words: str) -> bool:
    """Say whether a document has these words, wherever its lines end."""
    return words in " ".join((_DOCS / document).read_text().split())
