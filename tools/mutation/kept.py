"""Verdicts kept from one run to the next, each for as long as what it rests on is the same."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.mutation.mutants import Mutant
from tools.mutation.nearness import module_of
from tools.mutation.trial import Found, Verdict


@dataclass(frozen=True, slots=True)
class State:
    """The state of everything that a verdict depends on: a digest of each file, by its path."""

    files: dict[str, str]

    @classmethod
    def of(cls, repository: Path, names: Sequence[str]) -> "State":
        """Look at the directories and files of some names."""
        files: dict[str, str] = {}
        for name in names:
            place = repository / name
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.suffix in {".py", ".sql", ".yaml", ".toml"} and path.is_file():
                    files[str(path.relative_to(repository))] = _short(path.read_bytes())
        return cls(files)

    @property
    def tests(self) -> dict[str, str]:
        """The files that have tests, with a digest of each."""
        return {
            path: of for path, of in self.files.items() if path.startswith("tests/") and Path(path).match("test_*.py")
        }

    def of_test(self, test: str) -> str:
        """Return what a verdict by a test rests on: its file, or where it is by none, or by one of no file, all."""
        found = self.files.get(module_of(test))
        return found if found is not None else _short(json.dumps(self.files, sort_keys=True).encode())


class Kept:
    """The verdicts so far.

    One that a test noticed holds as long as the mutant's file and the test's are the same, any other as long as
    everything is.

    Args:
        place: The file that they are in.
        state: What there is now.
    """

    def __init__(self, place: Path, state: State) -> None:
        self._place = place
        self._state = state

    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdicts that still hold, by the keys of mutants."""
        return {
            entry["mutant"]: Verdict(entry["verdict"])
            for entry in self._entries()
            if entry["of"] == self._state.files.get(_path(entry))
            and entry["rests_on"] == self._state.of_test(entry["by"])
        }

    def noticed(self) -> dict[str, set[str]]:
        """Return the modules of tests that have noticed a mutant of a file, for each file."""
        found: dict[str, set[str]] = {}
        for entry in self._entries():
            if entry["by"]:
                found.setdefault(_path(entry), set()).add(module_of(entry["by"]))
        return found

    def add(self, mutant: Mutant, found: Found) -> None:
        """Keep a verdict, unless nothing could be said."""
        if found.verdict is Verdict.OPEN:
            return
        entry = {"mutant": mutant.key, "line": mutant.change.first, "verdict": found.verdict, "by": found.by}
        rests = {"of": self._state.files.get(mutant.path), "rests_on": self._state.of_test(found.by)}
        with self._place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry | rests) + "\n")

    def _entries(self) -> Iterator[Any]:
        if self._place.exists():
            yield from map(json.loads, self._place.read_text(encoding="utf-8").splitlines())


def _path(entry: Mapping[str, str]) -> str:
    """Return the file of a verdict's mutant."""
    return entry["mutant"].split(":", maxsplit=1)[0]


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
