"""Tests that run a line: measured once for the files as they are, and kept."""

import ast
import json
import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import coverage

from tools.mutation.bounded import bounded
from tools.mutation.trial import FAILED


@dataclass(frozen=True)
class Covering:
    """Which tests run which lines.

    Args:
        lines: The tests of each line of each file, files by their path from the top of the repository.
        took: How long each test takes, in seconds.
        files: The files of tests that were measured, with a digest of each.
    """

    lines: dict[str, dict[int, frozenset[str]]] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def without(self, files: set[str]) -> "Covering":
        """Return what is left without the tests of some files."""

        def left(tests: frozenset[str]) -> frozenset[str]:
            return frozenset(test for test in tests if test.split("::", maxsplit=1)[0] not in files)

        lines = {name: {line: left(of) for line, of in each.items()} for name, each in self.lines.items()}
        return replace(self, lines=lines)

    def joined(self, other: "Covering") -> "Covering":
        """Return what both have measured."""
        lines = {name: dict(each) for name, each in self.lines.items()}
        for name, each in other.lines.items():
            known = lines.setdefault(name, {})
            known.update({line: known.get(line, frozenset()) | of for line, of in each.items()})
        return replace(self, lines=lines, took=self.took | other.took)

    def of(self, path: str, first: int, last: int) -> list[str]:
        """Return the tests that run any of some lines, or any of the file where these run at its import alone."""
        lines = self.lines.get(path, {})
        touched = [lines[line] for line in range(first, last + 1) if line in lines]
        found = frozenset().union(*touched) if touched else frozenset()
        if touched and not found - {""}:
            found = frozenset().union(*lines.values())
        return sorted(found - {""}, key=lambda test: (self.took.get(test, 0.0), test))

    def of_function(self, repository: Path, name: str) -> list[str]:
        """Return the tests that run a function of the database: those of the lines that use a statement with its name.

        Args:
            repository: The top of the repository.
            name: The function's name.
        """
        callers = _callers(repository, name)
        found: set[str] = set()
        for path in sorted((repository / "automation/storage").rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if any(f"{caller}(" in text for caller in callers):
                lines = _uses(ast.parse(text), callers)
                found.update(test for line in lines for test in self.of(str(path.relative_to(repository)), line, line))
        return sorted(found, key=lambda test: (self.took.get(test, 0.0), test))


def _callers(repository: Path, name: str) -> set[str]:
    """Return a function of the database with all functions that call it, directly or not."""
    files = (repository / "automation/storage/migrations/sql").glob("*.sql")
    texts = {path.stem: re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8")) for path in files}
    found = {name}
    while True:
        more = {caller for caller, text in texts.items() if any(f"{one}(" in text for one in found)} - found
        if not more:
            return found
        found |= more


def _uses(tree: ast.Module, functions: Iterable[str]) -> set[int]:
    """Return the lines that name a function of the database, or a constant that does."""
    names = tuple(f"{name}(" for name in functions)
    constants: set[str] = set()
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            if any(name in text for name in names):
                lines.add(node.lineno)
    for statement in tree.body:
        inside = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        if isinstance(statement, ast.Assign) and lines.intersection(inside):
            constants.update(target.id for target in statement.targets if isinstance(target, ast.Name))
    used = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return {node.lineno for node in used if node.id in constants} or lines


class OutOfTime(Exception):
    """The time was over before it was known which tests run which lines."""


def measured(
    repository: Path, place: Path, tests: Sequence[str], environment: dict[str, str], seconds: float | None
) -> Covering:
    """Run tests and note what they run; tests that start processes are left out, whose lines can't be seen from here.

    Args:
        repository: The top of the repository.
        place: A directory for what is noted.
        tests: Directories or files of tests.
        environment: The environment to run them in.
        seconds: How long that may take; None is as long as it takes.

    Raises:
        OutOfTime: It took longer.
        RuntimeError: A test failed, and again by itself: nothing can be said of mutants before the tests pass.
    """
    noted = place / "noted"
    shutil.rmtree(noted, ignore_errors=True)
    noted.mkdir(parents=True)
    processes = str(min(os.cpu_count() or 1, 8))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.mutation.contexts", "-m", "not process", *tests]
    command += ["-n", processes, "--dist", "worksteal", "--timeout", "600", "-p", "no:cacheprovider"]
    environment = environment | {"AUTOMATION_COVERING": str(noted)}
    run = bounded(command, repository, environment, seconds)
    if run is None:
        raise OutOfTime
    code, output = run
    if code and not _pass_alone(FAILED.findall(output), repository, environment):
        raise RuntimeError(f"The tests don't pass as they are:\n{output[-6000:]}")
    return _read(repository, noted)


def _pass_alone(failed: Sequence[str], repository: Path, environment: dict[str, str]) -> bool:
    """Say whether tests that have failed beside others, on a machine that may be busy, pass one after the other."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *failed]
    run = bounded(command, repository, environment, None) if failed else None
    return run is not None and run[0] == 0


def kept(place: Path) -> Covering | None:
    """Return what was measured before, None where nothing was."""
    path = place / "covering.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text())
    lines = {
        name: {int(line): frozenset(document["tests"][test] for test in tests) for line, tests in of.items()}
        for name, of in document["lines"].items()
    }
    return Covering(lines, document["took"], document["files"])


def _read(repository: Path, place: Path) -> Covering:
    lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in place.glob("lines.*"):
        data = coverage.CoverageData(str(path))
        data.read()
        for file in data.measured_files():
            for line, contexts in data.contexts_by_lineno(file).items():
                lines[str(Path(file).relative_to(repository))][line].update(contexts)
    took: dict[str, float] = {}
    for path in place.glob("took.*.json"):
        took |= json.loads(path.read_text())
    return Covering({file: {line: frozenset(of) for line, of in each.items()} for file, each in lines.items()}, took)


def keep(covering: Covering, place: Path) -> None:
    """Write down what was measured."""
    tests = sorted({test for of in covering.lines.values() for contexts in of.values() for test in contexts})
    places = {test: at for at, test in enumerate(tests)}
    lines = {
        name: {line: sorted(places[test] for test in contexts) for line, contexts in of.items()}
        for name, of in covering.lines.items()
    }
    document = {"tests": tests, "lines": lines, "took": covering.took, "files": covering.files}
    (place / "covering.json").write_text(json.dumps(document))
