"""Mutants: one change of one file each, of the code that matters most; those that change nothing have a reason."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.mutation import changes, statements
from tools.mutation.changes import Change

ROOMS: dict[str, tuple[str, ...]] = {
    "security": ("tests/security", "tests/service", "tests/handlers"),
    "automation/contract/compiled": ("tests/contract", "tests/handlers"),
    "automation/contract/serving": ("tests/contract", "tests/handlers"),
    "automation/engine/runs": ("tests/engine",),
    "automation/storage/runs": ("tests/storage", "tests/engine"),
    "automation/storage/pool": ("tests/storage",),
    "automation/storage/keys.py": ("tests/storage", "tests/security"),
    "automation/storage/executions.py": ("tests/storage", "tests/handlers"),
    "automation/storage/rules.py": ("tests/storage", "tests/handlers"),
    "automation/storage/migrations/sql": ("tests/storage", "tests/engine", "tests/security", "tests/handlers"),
    "automation/service/http": ("tests/service", "tests/handlers"),
    "automation/service/problems.py": ("tests/service", "tests/handlers"),
}
"""Where a fault costs most, with the tests that are measured for it: those of the room, and of who uses it."""


EQUIVALENT = "tools/mutation/equivalent.toml"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one change.

    Args:
        room: The part of the code that it belongs to.
        path: The file, from the top of the repository.
        line: The text of the first line that is changed, as a reader finds it.
        change: What is changed.
        told: What becomes of what.
    """

    room: str
    path: str
    line: str
    change: Change
    told: str

    def __str__(self) -> str:
        return f"{self.path}:{self.change.first}: {self.told}"

    @property
    def function(self) -> str | None:
        """The function of the database that is changed, None in Python."""
        return Path(self.path).stem if self.path.endswith(".sql") else None


def mutants(repository: Path) -> Iterator[Mutant]:
    """Yield every mutant, in the order of rooms, files and lines."""
    for room in ROOMS:
        place = repository / room
        found = sorted([*place.rglob("*.py"), *place.rglob("*.sql")]) if place.is_dir() else [place]
        for path in found:
            source = path.read_text(encoding="utf-8")
            lines = source.splitlines()
            made = statements.changes(source) if path.suffix == ".sql" else changes.changes(source)
            for change in made:
                name = str(path.relative_to(repository))
                yield Mutant(room, name, lines[change.first - 1].strip(), change, change.told(source))


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why mutants change nothing that anybody could see: ``equivalent.toml``.

    An entry names a file, the line as it stands there, what becomes of what (all changes of the line where it does not
    say), and why.
    """

    entries: tuple[dict[str, str], ...]

    @classmethod
    def read(cls, repository: Path) -> "Reasons":
        """Read them."""
        text = (repository / EQUIVALENT).read_text(encoding="utf-8")
        return cls(tuple(tomllib.loads(text).get("equivalent", ())))

    def of(self, mutant: Mutant) -> str | None:
        """Return why a mutant is equivalent, None where it is none."""
        for entry in self.entries:
            same = entry["file"] == mutant.path and entry["line"] == mutant.line
            if same and entry.get("change", mutant.told) == mutant.told:
                return entry["reason"]
        return None

    def unused(self, made: list[Mutant]) -> list[dict[str, str]]:
        """Return the entries that no mutant matches: the code has changed since."""
        return [entry for entry in self.entries if not any(Reasons((entry,)).of(mutant) for mutant in made)]
