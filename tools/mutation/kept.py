"""Verdicts kept from one run to the next, for as long as the code, and the tests that they rest on, are the same."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.mutation.mutants import Mutant
from tools.mutation.nearness import module_of
from tools.mutation.trial import Found, Verdict


@dataclass(frozen=True, slots=True)
class State:
    """The state of everything that a verdict depends on.

    Args:
        code: A digest of the code, and of what tests share.
        tests: A digest of each file of tests.
    """

    code: str
    tests: dict[str, str]

    @classmethod
    def of(cls, repository: Path, names: Sequence[str]) -> "State":
        """Look at the directories and files of some names."""
        digest = hashlib.sha256()
        tests: dict[str, str] = {}
        for name in names:
            place = repository / name
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.suffix not in {".py", ".sql", ".yaml", ".toml"} or not path.is_file():
                    continue
                file, content = str(path.relative_to(repository)), path.read_bytes()
                if name == "tests" and path.name.startswith("test_"):
                    tests[file] = _short(content)
                else:
                    digest.update(file.encode() + b"\0" + content)
        return cls(digest.hexdigest()[:12], tests)

    def of_test(self, test: str) -> str:
        """Return what a verdict by a test rests on: its file, or where it is by none, or by one of no file, all."""
        found = self.tests.get(test.split("::", maxsplit=1)[0])
        return found if found is not None else _short(json.dumps(self.tests, sort_keys=True).encode())


class Kept:
    """The verdicts of one state of the code.

    Args:
        place: The file that they are in.
        state: What there is now: a verdict that rests on other tests is forgotten.
    """

    def __init__(self, place: Path, state: State) -> None:
        self._place = place
        self._state = state

    def verdicts(self) -> dict[str, Verdict]:
        """Return the verdicts that still hold, by the keys of mutants."""
        return {
            entry["mutant"]: Verdict(entry["verdict"])
            for entry in self._entries()
            if entry["rests_on"] == self._state.of_test(entry["by"])
        }

    def noticed(self) -> dict[str, set[str]]:
        """Return the modules of tests that have noticed a mutant of a file, for each file."""
        found: dict[str, set[str]] = {}
        for entry in self._entries():
            if entry["by"]:
                found.setdefault(entry["mutant"].split(":", maxsplit=1)[0], set()).add(module_of(entry["by"]))
        return found

    def add(self, mutant: Mutant, found: Found) -> None:
        """Keep a verdict, unless nothing could be said."""
        if found.verdict is Verdict.OPEN:
            return
        entry = {"mutant": mutant.key, "line": mutant.change.first, "verdict": found.verdict, "by": found.by}
        with self._place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry | {"rests_on": self._state.of_test(found.by)}) + "\n")

    def _entries(self) -> Iterator[Any]:
        if self._place.exists():
            yield from map(json.loads, self._place.read_text(encoding="utf-8").splitlines())


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
