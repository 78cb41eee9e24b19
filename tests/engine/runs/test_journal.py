"""A tenant's log takes whatever an action hands over."""

from typing import Any

import pytest

from automation.domain.executions import LogLevel
from automation.engine.runs import journal as of_journal
from automation.engine.runs.journal import MAX_MESSAGE, MAX_WAITING, Journal


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_entries_wait_in_their_order() -> None:
    journal = Journal()
    journal.write("one")
    journal.write("two", level=LogLevel.WARN, action_index=3, metadata={"status": 200})

    waiting = journal.waiting()

    assert [(entry.message, entry.level, entry.action_index, entry.metadata) for entry in waiting.entries] == [
        ("one", "info", None, None),
        ("two", "warn", 3, {"status": 200}),
    ]
    assert journal.waiting() == waiting
    assert waiting.first == 0


def test_entries_that_are_stored_wait_no_more_and_keep_their_places() -> None:
    journal = Journal(first=5)
    journal.write("one")
    journal.write("two")
    stored = journal.waiting()
    journal.write("three")

    journal.stored(stored)
    journal.stored(stored)

    assert (stored.first, journal.waiting().first) == (5, 7)
    assert [entry.message for entry in journal.waiting().entries] == ["three"]


def test_an_action_writes_under_its_index() -> None:
    journal = Journal()

    journal.of_action(2)("called", metadata={"host": "a"})

    (entry,) = journal.waiting().entries
    assert (entry.action_index, entry.metadata) == (2, {"host": "a"})


def test_no_action_fills_the_memory() -> None:
    journal = Journal()

    for _ in range(2 * MAX_WAITING):
        journal.of_action(0)("x" * 2 * MAX_MESSAGE)

    taken = journal.waiting().entries
    assert len(taken) == MAX_WAITING
    assert len(taken[0].message) == MAX_MESSAGE


@pytest.mark.parametrize(
    ("metadata", "stored"),
    [
        ({"headers": {"Authorization": "Bearer x"}}, {"headers": {"Authorization": "***"}}),
        ({"text": "a\0b"}, {"text": "a\ufffdb"}),
        ({1: "a"}, {"omitted": "it is not made of JSON values"}),
        (nested(1000), {"omitted": "it is not made of JSON values"}),
        ({"text": "\ud800"}, {"omitted": "it is not made of JSON values"}),
        ({"text": "x" * 20_000}, {"omitted": "it is larger than 16384 bytes"}),
        ({"text": "x" * (16_384 - 11)}, {"text": "x" * (16_384 - 11)}),
        ({"text": "x" * (16_384 - 10)}, {"omitted": "it is larger than 16384 bytes"}),
    ],
)
def test_metadata_can_be_stored(metadata: dict[Any, Any], stored: dict[str, Any]) -> None:
    journal = Journal()

    journal.write("a message", metadata=metadata)

    assert journal.waiting().entries[0].metadata == stored


def test_metadata_that_take_too_long_to_search_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_journal, "STEPS_AT_ONCE", 1)
    journal = Journal()

    journal.write("a message", metadata={"a": ["b", "c", "d"]})

    assert journal.waiting().entries[0].metadata == {"omitted": "it takes too long to search it for secrets"}


def test_of_a_message_the_first_4000_characters_are_stored() -> None:
    journal = Journal()

    journal.write("x" * 4000 + "y")

    assert journal.waiting().entries[0].message == "x" * 4000


def test_a_message_can_be_stored() -> None:
    journal = Journal()

    journal.write("a\0b\ud800")

    assert journal.waiting().entries[0].message == "a\ufffdb?"
