"""Patterns of an input schema: what they may be, so that to compile them costs little, which nobody could stop."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from automation.contract.compiled.violations import bounded
from automation.contract.document.references import pointer
from automation.domain.errors import Violation
from automation.engine.triggers.schema_outline import Schema

MOST_PATTERNS: Final = 50
LONGEST_PATTERNS: Final = 4_096
"""How many characters all patterns have together."""
MOST_CLASSES: Final = 20
r"""How many classes of Unicode characters (``\p``, ``\P``) they name together: each takes up to 0.2 ms."""
LARGEST_PATTERNS: Final = 1_048_576
"""How many bytes all regular expressions may take, compiled, each an equal part: 6 ms at the most."""
LARGEST_PATTERN: Final = 524_288
"""Tuned: bytes that one may take, compiled."""
# What ECMA-262 has not, and what costs time for each character there is, or that no size tells of.
_inline_flag = re.compile(r"\(\?[A-Za-z-]+[:)]").search
_repeats_nothing = re.compile(r"\{\s*(?:0+\s*(?:,\s*0+\s*)?|,\s*0+\s*)\}").search


def pattern_violations(outlined: Mapping[str, Schema]) -> Iterator[Violation]:
    """Yield what is wrong with the patterns, before the first of them is compiled."""
    patterns = [*_patterns_of(outlined)]
    texts = [text for _, text in patterns]
    if len(patterns) > MOST_PATTERNS:
        yield Violation(f"has more than {MOST_PATTERNS} patterns", pointer="")
    if sum(map(len, texts)) > LONGEST_PATTERNS:
        yield Violation(f"has patterns of more than {LONGEST_PATTERNS:,} characters together", pointer="")
    if sum(text.count("\\p") + text.count("\\P") for text in texts) > MOST_CLASSES:
        yield Violation(f"names more than {MOST_CLASSES} classes of Unicode characters (\\p, \\P)", pointer="")
    for place, text in patterns:
        if _inline_flag(text):
            yield Violation("is a pattern with flags in it, such as (?i)", pointer=bounded(place))
        elif _repeats_nothing(text):
            yield Violation("is a pattern that repeats something no times, as {0} does", pointer=bounded(place))


def _patterns_of(outlined: Mapping[str, Schema]) -> Iterator[tuple[str, str]]:
    """Yield the patterns of a schema and its subschemas, each with its place."""
    for place, schema in outlined.items():
        if isinstance(text := schema.get("pattern"), str):
            yield f"{place}/pattern", text
        if isinstance(named := schema.get("patternProperties"), Mapping):
            yield from ((f"{place}{pointer('patternProperties', name)}", name) for name in named)
