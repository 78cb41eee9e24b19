"""The documents that people read, and the fenced blocks in them: what each is for stands in the line above it.

A line right above a fence says where its content belongs, for readers and for the test that follows them:

- ``New file `FILE`:``: the block is the whole content of that file;
- ``In `FILE`, before `LINE`:`` (or ``after``; the beginning of a line is enough): it is inserted there.

After the language a fence may say ``fails``: the commands of the block are meant to fail.
"""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sybil import Document, Region
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.typing import Evaluator

REPOSITORY = Path(__file__).parents[2]

NOT_EXECUTED: Mapping[str, str] = {
    "make test": "it is what runs these tests",
}
"""The blocks that no test executes, each with the reason."""

PICTURES = frozenset({"mermaid"})
"""Languages of blocks that hold nothing to execute."""

OUTSIDE = frozenset({("README.md", "Clients")})
"""Documents and sections whose blocks need Node and Java: ``tests/outside/docs`` executes them."""

_fences = FencedCodeBlockLexer(language=r".*", mapping={"language": "info", "source": "source"})
_new_file = re.compile(r"New file `([^`]+)`:").fullmatch
_insertion = re.compile(r"In `([^`]+)`, (before|after) `([^`]+)`:").fullmatch
_heading = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and the heading that it stands under."""

    document: str
    section: str
    line: int
    language: str
    options: Mapping[str, str]
    source: str

    @property
    def executed(self) -> bool:
        """Whether any test executes it."""
        return self.language not in PICTURES and self.source.strip() not in NOT_EXECUTED

    @property
    def outside(self) -> bool:
        """Whether it needs what ``make test`` doesn't."""
        return (self.document, self.section) in OUTSIDE

    def __str__(self) -> str:
        return f"{self.document}:{self.line} ({self.language})"


def documents() -> list[Path]:
    """Return the README and every page below ``docs``."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def name_of(path: Path) -> str:
    """Return a document's path from the repository's root."""
    return os.path.relpath(path, REPOSITORY)


class Fences:
    """A Sybil parser that finds every fenced block, whatever its language, and has it evaluated by ``evaluator``."""

    def __init__(self, evaluator: Evaluator | None = None) -> None:
        self._evaluator = evaluator

    def __call__(self, document: Document) -> Iterator[Region]:
        """Yield a region for each block."""
        for region in _fences(document):
            region.parsed = _block(document, region)
            region.evaluator = self._evaluator
            yield region


def blocks_of(path: Path) -> list[Block]:
    """Return the blocks of a document."""
    return [example.parsed for example in Document.parse(str(path), Fences())]


def _block(document: Document, region: Region) -> Block:
    language, *options = shlex.split(region.lexemes["info"]) or [""]
    pairs = (option.partition("=") for option in options)
    before = document.text[: region.start]
    return Block(
        document=name_of(Path(document.path)),
        section=(_heading.findall(before) or [""])[-1],
        line=before.count("\n") + 1,
        language=language,
        options={name: value for name, _, value in pairs} | _place(before),
        source=_source(document.text[region.start : region.end]),
    )


def _place(before: str) -> dict[str, str]:
    """Return where a block belongs, by the line above it; nothing where that doesn't say."""
    line = before.rstrip().rpartition("\n")[2]
    if new := _new_file(line):
        return {"path": new[1]}
    if inserted := _insertion(line):
        return {"into": inserted[1], inserted[2]: inserted[3]}
    return {}


def _source(fenced: str) -> str:
    """Return what is between the fences, with its indentation, which Sybil's own lexeme lacks."""
    return "".join(fenced.splitlines(keepends=True)[1:-1])
