"""Changes of a function in SQL: a lock, a predicate or a bound that is gone or another one.

A list of replacements, each of one thing: SQL has no syntax tree here. A comment is left alone, and so is the seed of a
lock's hash: with another one it is as good a lock, and that it is the same one everywhere is held in the texts.
"""

import re
from collections.abc import Iterator

from tools.mutation.changes import Change

_TERM = r"[\w.]+(?:\(\w*\))? (?:=|<>|<=?|>=?) [\w.]+(?:\(\w*\))?(?=[\s;)])"
_BOUND = r"(?<!clock_timestamp\(\)){}(?!clock_timestamp\(\))"
"""A comparison, but for one with a clock that goes on meanwhile: nobody meets its very microsecond."""
_HASHED = r"hashtextextended\([^;\n]+, (?P<seed>\d+)\)"
_REPLACEMENTS: tuple[tuple[str, str], ...] = (
    (r"FOR (NO KEY )?UPDATE( OF \w+)?( SKIP LOCKED| NOWAIT)?", ""),
    (r"FOR (KEY )?SHARE( OF \w+)?", ""),
    (r"\s+\bAND " + _TERM, ""),
    (r"(?<=WHERE )" + _TERM + r"\s+AND ", ""),
    (r"(?<=ON )" + _TERM + r"\s+AND ", ""),
    (r"(?<=[\w)]) = (?=[\w(])", " <> "),
    (r"(?<=[\w)]) <> (?=[\w(])", " = "),
    (_BOUND.format(" < "), " <= "),
    (_BOUND.format(" > "), " >= "),
    (_BOUND.format(" <= "), " < "),
    (_BOUND.format(" >= "), " > "),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bIS NOT DISTINCT FROM\b", "IS DISTINCT FROM"),
    (r"\bIS DISTINCT FROM\b", "IS NOT DISTINCT FROM"),
    (r"\bNOT (?=EXISTS|\w+\b(?! NULL| DISTINCT))", ""),
    (r"\bOR\b", "AND"),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"(?<![\w.'$])(\d+)(?![\w.'])", r"\1 + 1"),
    (r" \+ 1\b", " + 0"),
    (r"\bDESC\b", "ASC"),
    (r"^ *PERFORM .*;$", "    NULL;"),
    (r"\bclock_timestamp\(\)", "now()"),
)


def changes(source: str) -> list[Change]:
    """Return every change of a function's file, in the order of its lines: of its body, not of its head or grants."""
    start = source.find("AS $")
    end = source.rfind("$", 0, source.rfind("$;") + 1)
    found = set(_within(source, max(start, 0), end if end > start else len(source)))
    return sorted(found, key=lambda change: (change.start, change.end, change.text))


def _within(source: str, start: int, end: int) -> Iterator[Change]:
    left_alone = [at.span() for at in re.finditer(r"--[^\n]*", source)]
    left_alone += [at.span("seed") for at in re.finditer(_HASHED, source)]
    for pattern, replacement in _REPLACEMENTS:
        for found in re.compile(pattern, re.MULTILINE).finditer(source, start, end):
            if any(first <= found.start() < last for first, last in left_alone):
                continue
            text = found.expand(replacement)
            line = source.count("\n", 0, found.start()) + 1
            first = len(source[: found.start()].encode())
            if text != found.group():
                yield Change(line, line, first, first + len(found.group().encode()), text)
