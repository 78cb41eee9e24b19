"""Compares what a command printed with what a document says it prints: the same but for what is new each time."""

import json
import re
from collections.abc import Mapping
from typing import Any

_NEW_EACH_TIME: Mapping[str, re.Pattern[str]] = {
    "<id>": re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    "<time>": re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "<key>": re.compile(r"\bak_[0-9A-Za-z]{49}\b"),
    "<prefix>": re.compile(r"\bak_[0-9A-Za-z]{8}\b"),
    "<cursor>": re.compile(r"\bAQ[0-9A-Za-z_-]{56,120}"),
    "<address>": re.compile(r"\b127\.0\.0\.1:\d+"),
    "<position>": re.compile(r"(?<=\.yaml):\d+:\d+\b"),
    "<left>": re.compile(r'(?<="tenant";r=)\d+'),
    "<until>": re.compile(r"(?<=;t=)\d+|(?<=^retry-after: )\d+"),
    "<seconds>": re.compile(r"\b\d+(\.\d+)? s\b"),
}
_MEASURED = frozenset({"duration_ms"})
_blanks = re.compile(r"[ \t]+")


def same_text(printed: str, documented: str) -> bool:
    """Return whether two texts say the same; blanks count once, for columns are as wide as what is in them."""
    return _lines(printed) == _lines(documented)


def same_json(printed: str, documented: str) -> bool:
    """Return whether two JSON documents say the same, in whatever layout and order of members."""
    first, second = _general(json.loads(printed)), _general(json.loads(documented))
    return bool(first == second)


def _lines(text: str) -> list[str]:
    return [_blanks.sub(" ", _without_news(line)).strip() for line in text.strip().splitlines()]


def _without_news(text: str) -> str:
    for name, pattern in _NEW_EACH_TIME.items():
        text = pattern.sub(name, text)
    return text


def _general(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {member: _general(each, member) for member, each in value.items()}
    if isinstance(value, list):
        return [_general(each) for each in value]
    if isinstance(value, str):
        return _without_news(value)
    return "<measured>" if name in _MEASURED and isinstance(value, int | float) else value
