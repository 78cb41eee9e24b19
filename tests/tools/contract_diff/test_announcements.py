"""The page of changes is read as people read it, and entries that tell nobody anything don't count."""

from datetime import date

import pytest

from tools.contract_diff.announcements import Announcement, announcements

TODAY = date(2026, 11, 23)
PAGE = """\
# Changes of the contract

- `outside` the section.

## Changes

Some words.

### 2026-11-23

- `getThing`: gone, use
  `getOther`.
* `Thing.size` may be null: expect it.

More words.

### 2026-10-01

- `listThings`: another default, send your own.

## What else there is

### 2026-09-01

- `after` the section.
"""


def test_items_under_dates_are_entries() -> None:
    entries = announcements(PAGE)

    assert entries == [
        Announcement("2026-11-23", "`getThing`: gone, use `getOther`."),
        Announcement("2026-11-23", "`Thing.size` may be null: expect it."),
        Announcement("2026-10-01", "`listThings`: another default, send your own."),
    ]


def test_a_page_may_have_dates_on_the_sections_level_below_any_heading() -> None:
    entries = announcements("# Changes\n## 2026-11-23\n- `getThing`: gone.\n")

    assert entries == [Announcement("2026-11-23", "`getThing`: gone.")]


@pytest.mark.parametrize(
    "hidden",
    [
        "```markdown\n### 2026-11-23\n\n- `getThing`: gone.\n```\n",
        "~~~\n- `getThing`: gone.\n~~~\n",
        "<!--\n- `getThing`: gone.\n-->\n",
    ],
)
def test_examples_and_comments_are_no_entries(hidden: str) -> None:
    assert announcements(f"## Changes\n\n### 2026-11-23\n\n{hidden}") == []


def test_an_empty_page_has_none() -> None:
    assert announcements("") == []


def test_names_are_what_code_spans_hold() -> None:
    entry = Announcement(
        "2026-11-23", "`Thing.size[]` of `getThing`, as `GET /things/{id}`: like every Problem, may be null."
    )

    assert {"Thing", "size", "getThing", "GET /things/{id}"} <= entry.names
    assert "Problem" not in entry.names


@pytest.mark.parametrize(
    ("heading", "text", "flaw"),
    [
        ("2026-11-23", "`getThing`: gone.", None),
        ("2020-01-01", "`getThing`: gone.", None),
        ("2026-11-24", "`getThing`: gone.", "its date, 2026-11-24, is in the future"),
        ("", "`getThing`: gone.", "its heading, none, is not a date such as 2026-01-31"),
        ("Soon", "`getThing`: gone.", "its heading, Soon, is not a date such as 2026-01-31"),
        ("2026-02-30", "`getThing`: gone.", "its heading, 2026-02-30, is not a date such as 2026-01-31"),
        ("20261123", "`getThing`: gone.", "its heading, 20261123, is not a date such as 2026-01-31"),
        ("2026-11-23", "`getThing`, `getOther`.", "it doesn't say what clients must do"),
    ],
)
def test_an_entry_counts_when_it_has_a_date_and_words(heading: str, text: str, flaw: str | None) -> None:
    assert Announcement(heading, text).flaw(TODAY) == flaw
