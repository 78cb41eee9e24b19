"""Places of what is wrong with requests: whoever refuses parameters or a body says which, or that it is all of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
ROOMS = ("automation", "handlers", "security")
PLACED = frozenset({"InvalidParameter", "InvalidBody", "InvalidInput"})
"""Errors of which the page about errors says that they have `errors`."""


def made() -> Iterator[tuple[str, bool]]:
    """Yield each place in the code where such an error is made, and whether with violations."""
    for path in (path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PLACED:
                given = any(argument.arg == "violations" for argument in node.keywords)
                yield f"{path.relative_to(REPOSITORY)}:{node.lineno}", given


def test_who_refuses_a_part_of_a_request_names_it() -> None:
    found = list(made())

    assert len(found) > 20
    assert [where for where, given in found if not given] == []
