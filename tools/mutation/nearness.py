"""Tells which tests are likeliest to notice a mutant, so that they are asked before all others."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

MOST_NEAR = 100
"""Tests that are asked first, at most: what they notice costs no look at the modules of all others."""


def near(path: str, asked: Sequence[str], noticed: Collection[str]) -> list[str]:
    """Return those of some tests that are likeliest to notice a mutant, in their order; none where all are as likely.

    Args:
        path: The mutant's file, from the top of the repository.
        asked: Tests that run its line.
        noticed: Modules of tests that have noticed other mutants of the same file.
    """
    mirror = _mirror(path)
    found = [test for test in asked if (of := module_of(test)) in noticed or of.startswith(mirror)]
    return found[:MOST_NEAR] if len(found) < len(asked) else []


def importers(repository: Path, path: str) -> list[str]:
    """Return the modules of a file's mirror room that import it: those that may look at its constants, and run none."""
    name = Path(path).with_suffix("").as_posix().replace("/", ".")
    package, _, module = name.rpartition(".")
    imported = rf"^from (?:{re.escape(name)} import|{re.escape(package)} import (?:\([^)]*|.*)\b{module}\b)"
    imports = re.compile(imported, re.MULTILINE)
    room = repository / Path(_mirror(path)).parent
    return sorted(
        each.relative_to(repository).as_posix() for each in room.glob("test_*.py") if imports.search(each.read_text())
    )


def callers(repository: Path, function: str) -> list[str]:
    """Return the modules of storage's tests that name a function of the database: their statements are their own."""
    named = re.compile(rf"\b{function}\b")
    modules = (repository / "tests" / "storage").rglob("test_*.py")
    return sorted(each.relative_to(repository).as_posix() for each in modules if named.search(each.read_text()))


def module_of(test: str) -> str:
    """Return the module that a test stands in."""
    return test.split("::", maxsplit=1)[0]


def _mirror(path: str) -> str:
    """Return how the modules that mirror a file begin."""
    place = Path(path.removeprefix("automation/"))
    return str("tests" / place.with_name(f"test_{place.stem}"))
