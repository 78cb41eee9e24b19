"""Imports of a room's files, whether at the top of a module, in a function or for types alone."""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.dependencies.declared import Room


@dataclass(frozen=True, slots=True)
class Import:
    """A module of somebody else's, by its first word, and where it is imported."""

    module: str
    place: str


def imports_of(room: Room, repository: Path, first_party: Iterable[str]) -> Iterator[Import]:
    """Yield what a room imports from elsewhere than the standard library and the project itself."""
    known = {*first_party, *sys.stdlib_module_names}
    for file in _files(room, repository):
        for module, line in _modules(ast.parse(file.read_bytes())):
            if module not in known and not (file.parent / f"{module}.py").exists():
                yield Import(module, f"{file.relative_to(repository)}:{line}")


def _files(room: Room, repository: Path) -> Iterator[Path]:
    excluded = [repository / path for path in room.excluding]
    for path in room.paths:
        place = repository / path
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            if not any(file.is_relative_to(each) for each in excluded) and "node_modules" not in file.parts:
                yield file


def _modules(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0], node.lineno
