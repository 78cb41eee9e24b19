"""A reader who does what a document says, block by block, and compares what they see with what it shows."""

import shlex
from pathlib import Path

from sybil import Document, Example

from tests.docs.blocks import Block, Fences
from tests.docs.printed import same_json, same_text
from tests.docs.shell import Outcome, Shell

OUTPUTS = {"json": same_json, "text": same_text}

_ADMINISTER = 'psql --quiet --set=ON_ERROR_STOP=1 "$DATABASE_ADMIN_URL/postgres" <<"SQL"\n{}\nSQL\n'


class Reader:
    """Reads one document, in one shell.

    Args:
        shell: Where commands are typed.
        directory: The checkout that the shell is in, where files belong.
        outside: Whether there is Node, for the blocks that need it.
    """

    def __init__(self, shell: Shell, directory: Path, *, outside: bool = False) -> None:
        self._shell = shell
        self._directory = directory
        self._outside = outside
        self._last: Outcome | None = None
        self.done: list[Block] = []

    def read(self, path: Path) -> None:
        """Do everything that a document says.

        Raises:
            AssertionError: Something isn't as the document says; the message begins with its place.
        """
        for example in Document.parse(str(path), Fences(self._evaluate)):
            example.evaluate()

    def _evaluate(self, example: Example) -> str | None:
        block: Block = example.parsed
        if not block.executed or (block.outside and not self._outside):
            return None
        self.done.append(block)
        if block.options.keys() & {"path", "into"}:
            return self._write(block)
        if block.language in OUTPUTS:
            return self._compare(block)
        if block.language == "sql":
            return self._type(_ADMINISTER.format(block.source))
        if block.language == "sh":
            return self._type(block.source, fails="fails" in block.options)
        return f"nobody knows what to do with {block}"

    def _type(self, source: str, *, fails: bool = False) -> str | None:
        self._last = self._shell.run(source, fails=fails)
        if (self._last.code != 0) == fails:
            return None
        return f"exit code {self._last.code}\n{self._last.output}\n{self._last.errors}"

    def _compare(self, block: Block) -> str | None:
        if self._last is None:
            return "nothing was printed before it"
        printed, self._last = self._last.output, None
        if OUTPUTS[block.language](printed, block.source):
            return None
        return f"what was printed is\n{printed}"

    def _write(self, block: Block) -> str | None:
        self._last = None
        if "path" in block.options:
            file = self._directory / block.options["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.source)
            return None
        return _insert(self._directory / block.options["into"], block)


def _insert(file: Path, block: Block) -> str | None:
    """Put a block before or after the one line that begins as it says."""
    lines = file.read_text().splitlines(keepends=True)
    side = "after" if "after" in block.options else "before"
    beginning = block.options[side]
    places = [number for number, line in enumerate(lines) if line.startswith(beginning)]
    if len(places) != 1:
        return f"{len(places)} lines of {shlex.quote(file.name)} begin with {beginning!r}"
    place = places[0] + (side == "after")
    file.write_text("".join([*lines[:place], block.source, *lines[place:]]))
    return None
