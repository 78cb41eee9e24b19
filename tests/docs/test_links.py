"""Every link in the documents leads somewhere: to a file of the repository, and to a heading that is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.blocks import REPOSITORY, documents, name_of

DOCUMENTS = [*documents(), REPOSITORY / "CHANGELOG.md"]

_fenced = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_link = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<(https?://[^>]+)>|\bsrc=\"([^\"]+)\"")
_heading = re.compile(r"^#+ (.+)$", re.MULTILINE)
_not_in_anchors = re.compile(r"[^\w\- ]")


def text_of(path: Path) -> str:
    """Return a document without its fenced blocks."""
    return _fenced.sub("", path.read_text())


def links(path: Path) -> Iterator[str]:
    """Yield the targets of a document's links that stay in the repository."""
    for match in _link.finditer(text_of(path)):
        target = next(filter(None, match.groups()))
        if not target.startswith(("http://", "https://")):
            yield target


def anchors(path: Path) -> set[str]:
    """Return the anchors that a page's headings get: lower case, hyphens for blanks, no punctuation."""
    headings = _heading.findall(text_of(path))
    return {_not_in_anchors.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(document: Path, target: str) -> bool:
    """Return whether a link's file exists, in the repository, and has the heading that it names."""
    name, _, anchor = target.partition("#")
    file = (document.parent / unquote(name)).resolve() if name else document
    if not (file.is_relative_to(REPOSITORY) and file.exists()):
        return False
    return not anchor or anchor in anchors(file)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [target for target in links(document) if not leads_somewhere(document, target)] == []


def test_the_readme_leads_to_every_guide() -> None:
    readme = REPOSITORY / "README.md"
    guides = {name_of(path) for path in documents() if path.parent == REPOSITORY / "docs"}

    assert guides <= set(links(readme))
