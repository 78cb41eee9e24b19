"""The entries of ``docs/contract-changes.md``: what clients were told of breaking changes, and when.

An entry is an item of a list under a heading that is an ISO date, in the section "Changes". It names operations and
components in code spans, and says in words what clients must do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

SECTION = "changes"

_comment_or_fence = re.compile(r"<!--.*?-->|^(`{3,}|~{3,}).*?^\1\s*?$", re.DOTALL | re.MULTILINE)
_heading = re.compile(r"(#+)\s+(.*?)\s*#*").fullmatch
_item = re.compile(r"[-*+]\s+(.*)").fullmatch
_code_span = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Announcement:
    """One entry: the heading it stands under, and its text on one line."""

    heading: str
    text: str

    @property
    def names(self) -> frozenset[str]:
        """What its code spans name: each span as a whole, and each word in it."""
        spans = _code_span.findall(self.text)
        return frozenset(spans) | {word for span in spans for word in re.findall(r"[\w-]+", span)}

    def flaw(self, today: date) -> str | None:
        """Return why it doesn't count, None if it does."""
        day = _day(self.heading)
        if day is None:
            return f"its heading, {self.heading or 'none'}, is not a date such as 2026-01-31"
        if day > today:
            return f"its date, {day}, is in the future"
        if not re.search(r"\w", _code_span.sub("", self.text)):
            return "it doesn't say what clients must do"
        return None


def latest_date() -> date:
    """Return the latest date that it is anywhere on Earth: a writer may be ahead of the machine that checks."""
    return datetime.now(timezone(timedelta(hours=14))).date()


def announcements(page: str) -> list[Announcement]:
    """Return the entries of a page, in its order."""
    entries: list[Announcement] = []
    for heading, line in _lines(_comment_or_fence.sub("", page)):
        if item := _item(line):
            entries.append(Announcement(heading, item[1].strip()))
        elif line.startswith((" ", "\t")) and line.strip() and entries:
            entries[-1] = Announcement(heading, f"{entries[-1].text} {line.strip()}")
    return entries


def _lines(page: str) -> Iterator[tuple[str, str]]:
    """Yield each line of the section, with the heading that it stands under."""
    level, heading = 0, ""
    for line in page.splitlines():
        if not (match := _heading(line)):
            if level:
                yield heading, line
        elif level and len(match[1]) > level:
            heading = match[2]
        else:
            level, heading = (len(match[1]) if match[2].lower() == SECTION else 0), ""


def _day(heading: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", heading):
        return None
    try:
        return date.fromisoformat(heading)
    except ValueError:
        return None
