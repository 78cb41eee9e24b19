"""Limits that specshift misses: those only one version has, those it doesn't know, and looser ones in responses."""

import math
from collections.abc import Iterator

from tools.contract_diff.contracts import Json
from tools.contract_diff.pairs import Pair

SMALLEST = {"minimum": -math.inf, "minLength": 0, "minItems": 0, "minProperties": 0}
LARGEST = ("maximum", "maxLength", "maxItems", "maxProperties")
FLAGS = ("exclusiveMinimum", "exclusiveMaximum", "uniqueItems")
STEP = "multipleOf"

KNOWN = frozenset({"minimum", "minLength", "minItems", "maximum", "maxLength", "maxItems"})
"""What specshift compares where both versions have it."""


def limits(pair: Pair) -> str | None:
    """Values may be sent beyond the limits that are expected."""
    old, new = pair.old.schema, pair.new.schema
    passed = [keyword for keyword in _passed(pair.sent.schema, pair.expected.schema) if not _found(keyword, pair)]
    return "; ".join(f"{keyword} {_said(old, keyword)}, now {_said(new, keyword)}" for keyword in passed) or None


def _passed(sent: Json, expected: Json) -> Iterator[str]:
    """Yield the keywords by which less is expected than may be sent."""
    for keyword, none in SMALLEST.items():
        if sent.get(keyword, none) < expected.get(keyword, none):
            yield keyword
    for keyword in LARGEST:
        if sent.get(keyword, math.inf) > expected.get(keyword, math.inf):
            yield keyword
    yield from (keyword for keyword in FLAGS if expected.get(keyword) and not sent.get(keyword))
    if STEP in expected and (STEP not in sent or sent[STEP] % expected[STEP]):
        yield STEP


def _found(keyword: str, pair: Pair) -> bool:
    """Whether specshift finds it: in requests, where both versions have the limit."""
    return pair.in_request and keyword in KNOWN and keyword in pair.old.schema and keyword in pair.new.schema


def _said(schema: Json, keyword: str) -> str:
    return str(schema.get(keyword, "none"))
