"""The page of changes states the policy that the rules hold, and announces only what can be read."""

import re
from pathlib import Path

from tools.contract_diff import operations, responses, schemas
from tools.contract_diff.announcements import announcements, latest_date

PAGE = Path(__file__).parents[3].joinpath("docs/contract-changes.md").read_text(encoding="utf-8")


def test_the_table_names_every_rule() -> None:
    rows = [line.strip("| ").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row[-1])}

    further = {name for name, _ in schemas.UNSEEN.values()} | {"security", "problem-code"}
    assert named == {*operations.RULES, *responses.RULES, *schemas.RULES, *further}


def test_the_page_has_a_section_for_entries() -> None:
    assert "\n## Changes\n" in PAGE


def test_every_entry_counts() -> None:
    flaws = {entry.text: entry.flaw(latest_date()) for entry in announcements(PAGE)}

    assert not any(flaws.values()), flaws


def test_the_example_on_the_page_is_an_entry() -> None:
    example = "\n".join(line.removeprefix("    ") for line in PAGE.splitlines() if line.startswith("    "))

    entries = announcements(f"## Changes\n\n{example}")

    assert [sorted(entry.names & {"AutomationExecution", "getLiveness"}) for entry in entries] == [
        ["AutomationExecution"],
        ["getLiveness"],
    ]
