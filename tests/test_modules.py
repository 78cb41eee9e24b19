"""Modules say first what they are or do, and are short enough to be read at once."""

import ast
import re
import tokenize
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("automation", "benchmarks", "handlers", "security", "tests", "tools")
SERVICE = ("automation", "handlers", "security")
QUESTION = re.compile(r"(What|How|Whether|Which|Who|Whom|Whose|When|Where|Why|As whom|Everything|Everybody)\b")
BEFORE = {tokenize.COMMENT, tokenize.NL}
LONGEST = 300
# A migration is history: it is as long as the change it makes, and never cut afterwards.
HISTORY = "automation/storage/migrations/versions"


def modules(*rooms: str) -> Iterator[tuple[str, str]]:
    for room in rooms:
        for path in sorted((REPOSITORY / room).rglob("*.py")):
            yield path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8")


def docstring(text: str) -> str:
    """Return a module's docstring, empty where there is none, from its first tokens: to read all of it takes long."""
    beginning = (each for each in tokenize.generate_tokens(StringIO(text).readline) if each.type not in BEFORE)
    first = next(beginning)
    return str(ast.literal_eval(first.string)) if first.type == tokenize.STRING else ""


def test_a_modules_docstring_begins_with_its_noun_or_verb() -> None:
    said = {name: docstring(text) for name, text in modules(*ROOMS)}

    assert [name for name, sentence in said.items() if QUESTION.match(sentence)] == []


def test_every_module_of_the_service_says_what_it_is_for() -> None:
    assert [name for name, text in modules(*SERVICE) if not docstring(text)] == []


def test_no_module_of_the_service_is_long() -> None:
    lengths = {name: len(text.splitlines()) for name, text in modules(*SERVICE) if not name.startswith(HISTORY)}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
