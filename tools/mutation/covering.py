"""Tests that run a line: measured once for the files as they are, and kept."""

import ast
import json
import os
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import coverage

from tools.mutation.bounded import bounded
from tools.mutation.carrying import carried
from tools.mutation.nearness import module_of
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
            return frozenset(test for test in tests if module_of(test) not in files)

        lines = {name: {line: left(of) for line, of in each.items()} for name, each in self.lines.items()}
        return replace(self, lines=lines, files={file: of for file, of in self.files.items() if file not in files})

    def joined(self, other: "Covering") -> "Covering":
        """Return what both have measured."""
        lines = {name: dict(each) for name, each in self.lines.items()}
        for name, each in other.lines.items():
            known = lines.setdefault(name, {})
            known.update({line: known.get(line, frozenset()) | of for line, of in each.items()})
        return Covering(lines, self.took | other.took, self.files | other.files)

    def of(self, path: str, first: int, last: int) -> list[str]:
        """Return the tests that run any of some lines, or any of the file where these run at its import alone."""
        found = self._touching(path, first, last) - {""}
        if self.at_import(path, first, last):
            found = frozenset().union(*self.lines[path].values())
        return sorted(found - {""}, key=lambda test: (self.took.get(test, 0.0), test))

    def at_import(self, path: str, first: int, last: int) -> bool:
        """Say whether some lines run at their file's import alone."""
        return self._touching(path, first, last) == {""}

    def seconds(self, asked: Sequence[str]) -> float:
        """Return how long tests, or whole modules of them, take together."""
        names = frozenset(asked)
        return sum(took for test, took in self.took.items() if test in names or module_of(test) in names)

    def _touching(self, path: str, first: int, last: int) -> frozenset[str]:
        lines = self.lines.get(path, {})
        return frozenset().union(*(lines[line] for line in range(first, last + 1) if line in lines))

    def of_function(self, repository: Path, name: str) -> list[str]:
        """Return the tests that run a function of the database: those of the lines that use a statement with its name.

        Args:
            repository: The top of the repository.
            name: The function's name.
        """
        found = (self.of(path, line, line) for path, line in uses(repository, name))
        return sorted({test for tests in found for test in tests}, key=lambda test: (self.took.get(test, 0.0), test))


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


@cache
def uses(repository: Path, function: str) -> frozenset[tuple[str, int]]:
    """Return the files and lines in which statements with a function of the database are used, wherever they stand."""
    called = _callers(repository, function)
    known: dict[str, set[str]] = {}
    while True:
        found = {module.name: module.constants(called, known) for module in _modules(repository)}
        if found == known:
            break
        known = found
    return frozenset(
        (module.path, line) for module in _modules(repository) for line in module.uses(called, known[module.name])
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A statement at a module's top: which names it gives, and which it has, functions of the database among them."""

    gives: frozenset[str]
    has: frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _Module:
    """A module that may have statements for the database, its own or imported ones."""

    path: str
    name: str
    imported: tuple[tuple[str, str, str], ...]
    parts: tuple[_Part, ...]

    def constants(self, called: set[str], known: Mapping[str, set[str]]) -> set[str]:
        """Return the names that stand here for statements with functions, given those that are known of all modules."""
        wanted = called | known.get(self.name, set())
        found = {own for module, name, own in self.imported if name in known.get(module, ())}
        return found.union(*(part.gives for part in self.parts if any(name in wanted for name, _ in part.has)))

    def uses(self, called: set[str], constants: set[str]) -> set[int]:
        """Return the lines of functions that name such a statement, or have one in them."""
        wanted = called | constants
        return {line for part in self.parts if not part.gives for name, line in part.has if name in wanted}


@cache
def _modules(repository: Path) -> tuple[_Module, ...]:
    rooms = [repository / "automation/storage", repository / "automation/engine/runs"]  # the queue has statements, too
    return tuple(_module(path, repository) for room in rooms for path in sorted(room.rglob("*.py")))


def _module(path: Path, repository: Path) -> _Module:
    relative = str(path.relative_to(repository))
    body = ast.parse(path.read_text(encoding="utf-8")).body
    imported = tuple(
        (each.module or "", name.name, name.asname or name.name)
        for each in body
        if isinstance(each, ast.ImportFrom)
        for name in each.names
    )
    parts = tuple(_Part(frozenset(_given(each)), frozenset(_had(each))) for each in body)
    return _Module(relative, relative.removesuffix(".py").replace("/", "."), imported, parts)


def _given(statement: ast.stmt) -> Iterator[str]:
    targets = list[ast.expr]()
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    yield from (target.id for target in targets if isinstance(target, ast.Name))


def _had(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    for node in ast.walk(statement):
        match node:
            case ast.Constant(value=str() | bytes() as value):
                text = value if isinstance(value, str) else value.decode(errors="replace")
                yield from ((name, node.lineno) for name in re.findall(r"\b(\w+_v\d+)\(", text))
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):  # an attribute: as SQLAlchemy calls one
                yield name, node.lineno


_NOTHING_TO_RUN = 5
"""pytest's exit code where all tests start processes, which are left out."""


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
    if code not in {0, _NOTHING_TO_RUN} and not _pass_alone(FAILED.findall(output), repository, environment):
        raise RuntimeError(f"The tests don't pass as they are:\n{output[-6000:]}")
    return _read(repository, noted)


def _pass_alone(failed: Sequence[str], repository: Path, environment: dict[str, str]) -> bool:
    """Say whether tests that have failed beside others, on a machine that may be busy, pass one after the other."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *failed]
    run = bounded(command, repository, environment, None) if failed else None
    return run is not None and run[0] == 0


def kept(place: Path, repository: Path) -> Covering | None:
    """Return what was measured before, of the lines as they are now; None where nothing was."""
    path = place / "covering.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text())
    lines = {
        name: {int(line): frozenset(document["tests"][test] for test in tests) for line, tests in of.items()}
        for name, of in document["lines"].items()
    }
    sources = {name: _lines(repository / name) for name in lines}
    lines = {
        name: of
        if sources[name] == document["sources"][name]
        else carried(of, document["sources"][name], sources[name])
        for name, of in lines.items()
    }
    return Covering(lines, document["took"], document["files"])


def _lines(path: Path) -> list[str]:
    """Return a file's lines, none where it is gone."""
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


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


def keep(covering: Covering, place: Path, repository: Path) -> None:
    """Write down what was measured, with the lines that it was measured of."""
    tests = sorted({test for of in covering.lines.values() for contexts in of.values() for test in contexts})
    places = {test: at for at, test in enumerate(tests)}
    lines = {
        name: {line: sorted(places[test] for test in contexts) for line, contexts in of.items()}
        for name, of in covering.lines.items()
    }
    sources = {name: _lines(repository / name) for name in lines}
    document = {"tests": tests, "lines": lines, "took": covering.took, "files": covering.files, "sources": sources}
    (place / "covering.json").write_text(json.dumps(document))
