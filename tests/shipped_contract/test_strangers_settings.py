"""Settings in ``schemathesis.toml`` that let stock Schemathesis meet a 400 are there where the contract shows why."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from automation.contract.document.outline import Entry
from automation.contract.document.references import follow
from tests.shipped_contract.shipped import DOCUMENT, ENTRIES, NAMES
from tests.system.processes import REPOSITORY

SETTINGS = tomllib.loads((REPOSITORY / "schemathesis.toml").read_text())["operations"]
RULE, EVENT, LABELS, CURSOR, SCHEDULE = {"actions"}, {"specversion"}, {"labels"}, {"cursor"}, {"cron", "every"}
INTERVALS = ({"from", "to"}, {"created_from", "created_to"})
UNSAID = (RULE, EVENT, LABELS, CURSOR, SCHEDULE, *INTERVALS)
"""Names of what can be as the schemas say and be refused with 400 for all that."""


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_what_is_right_may_be_refused_where_a_schema_cannot_say_what_is_right_and_nowhere_else(entry: Entry) -> None:
    told = {name for block in SETTINGS if "400" in expected(block) for name in operations(block)}
    names = set(inputs(entry))

    assert (entry.name in told) == any(unsaid <= names for unsaid in UNSAID)


def test_every_operation_that_is_told_of_is_there() -> None:
    told = {name for block in SETTINGS for name in operations(block)}

    assert told <= set(NAMES)


def operations(block: Mapping[str, Any]) -> list[str]:
    """Return the operations that a block of the settings is about: one, or several."""
    named = block["include-operation-id"]
    return [named] if isinstance(named, str) else named


def expected(block: Mapping[str, Any]) -> list[str]:
    """Return the statuses with which valid data may be answered, by an operation's settings."""
    statuses: list[str] = block.get("checks", {}).get("positive_data_acceptance", {}).get("expected-statuses", [])
    return statuses


def inputs(entry: Entry) -> Iterator[str]:
    """Yield the names of an operation's parameters and of its body's members, those within others included."""
    yield from (parameter["name"] for parameter in entry.parameters)
    for content in follow(DOCUMENT, entry.node.get("requestBody", {})).get("content", {}).values():
        yield from members(content["schema"])


def members(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a schema's properties, and of theirs."""
    for name, inner in follow(DOCUMENT, schema).get("properties", {}).items():
        yield name
        yield from members(inner)
