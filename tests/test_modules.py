"""Modules say first what they are or do, and are short enough to be read at once."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("automation", "benchmarks", "handlers", "security", "tests", "tools")
SERVICE = ("automation", "handlers", "security")
QUESTION = re.compile(r"(What|How|Whether|Which|Who|Whom|Whose|When|Where|Why|As whom|Everything|Everybody)\b")
LONGEST = 300
# A migration is history: it is as long as the change it makes, and never cut afterwards.
HISTORY = "automation/storage/migrations/versions"


def modules(*rooms: str) -> Iterator[tuple[str, str]]:
    for room in rooms:
        for path in sorted((REPOSITORY / room).rglob("*.py")):
            yield path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8")


def test_a_modules_docstring_begins_with_its_noun_or_verb() -> None:
    said = {name: ast.get_docstring(ast.parse(text)) for name, text in modules(*ROOMS)}

    assert [name for name, docstring in said.items() if docstring and QUESTION.match(docstring)] == []


def test_every_module_of_the_service_says_what_it_is_for() -> None:
    assert [name for name, text in modules(*SERVICE) if not ast.get_docstring(ast.parse(text))] == []


def test_no_module_of_the_service_is_long() -> None:
    lengths = {name: len(text.splitlines()) for name, text in modules(*SERVICE) if not name.startswith(HISTORY)}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
