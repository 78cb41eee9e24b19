"""Prints code that stands twice; the exit code is 1 where there is any.

Statements are compared as syntax trees: layout, comments, docstrings and the names of variables make no difference, as
they do where lines are compared.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
ROOMS = tuple(REPOSITORY / name for name in ("automation", "benchmarks", "handlers", "security", "tools"))
LEAST = 30
"""Nodes of a syntax tree, four lines or so: what is smaller may look alike by chance."""


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a file."""

    path: Path
    first: int
    last: int

    def within(self, other: "Place") -> bool:
        """Whether all of it belongs to another place."""
        return self.path == other.path and other.first <= self.first and self.last <= other.last

    def __str__(self) -> str:
        return f"{self.path}:{self.first}-{self.last}"


def main(rooms: Sequence[Path] = ROOMS) -> int:
    """Look through all modules of some directories."""
    found = duplicates(path for room in rooms for path in sorted(room.rglob("*.py")))
    for places in found:
        print("stands twice:", *places)
    return 1 if found else 0


def duplicates(paths: Iterable[Path]) -> list[list[Place]]:
    """Return where the same code stands, the largest first, without what is only a part of it."""
    alike: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    for path in paths:
        for statements in _runs(ast.parse(path.read_text(encoding="utf-8"))):
            shape = tuple(_shape(statements, {}))
            if len(shape) >= LEAST:
                alike[shape].append(Place(path, statements[0].lineno, statements[-1].end_lineno or 0))
    found: list[list[Place]] = []
    for _, places in sorted(alike.items(), key=lambda each: -len(each[0])):
        if len(places) > 1 and not all(any(place.within(one) for many in found for one in many) for place in places):
            found.append(places)
    return found


def _runs(tree: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    """Yield every row of statements that could stand in a function of its own, and every definition."""
    for node in ast.walk(tree):
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            if isinstance(block, list):
                code = [statement for statement in block if not _is_prose(statement)]
                longest = 1 if isinstance(node, ast.Module | ast.ClassDef) else len(code)
                ends = range(1, len(code) + 1)
                yield from (code[at:end] for end in ends for at in range(max(0, end - longest), end))


def _is_prose(node: object) -> bool:
    literal = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return literal or isinstance(node, ast.Import | ast.ImportFrom | ast.expr_context)


def _shape(part: object, names: dict[str, str]) -> Iterator[str]:
    """Yield what a part is made of; a variable is told by when it was first used."""
    match part:
        case ast.Name(id=name) | ast.arg(arg=name):
            yield names.setdefault(name, f"name {len(names)}")
        case ast.AST():
            yield type(part).__name__
            yield from _shape([getattr(part, field) for field in part._fields], names)
        case list():
            for each in part:
                if not _is_prose(each):
                    yield from _shape(each, names)
        case _:
            yield repr(part)


if __name__ == "__main__":
    sys.exit(main())
