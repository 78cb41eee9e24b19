"""Cursors are good for what they were made for, and for nothing else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from automation.contract.compiled.cursors import LONGEST, Cursors, Listing, passing_keys
from automation.domain.errors import InvalidCursor
from automation.domain.pages import Cursor, Position
from tests.shipped_contract.shipped import DOCUMENT

OLD, NEW = "an old secret of thirty-two characters", "a new secret of thirty-two characters"
TIME = datetime(2026, 11, 2, 8, 15, 29, 950_001, tzinfo=UTC)
ID = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
CURSOR = Cursor(Position.at(TIME, ID))
LISTING = Listing(
    UUID(int=1), "listThings", "-created_at", {"status": ["failed", "timeout"], "since": TIME, "name": None}
)
CURSORS = Cursors({"k1": OLD})


def readable(text: str, listing: Listing = LISTING, cursors: Cursors = CURSORS) -> bool:
    try:
        cursors.read(text, listing)
    except InvalidCursor:
        return False
    return True


@pytest.mark.parametrize(
    "cursor",
    [
        CURSOR,
        replace(CURSOR, backward=True),
        replace(CURSOR, backward=True, inclusive=True),
        Cursor(Position(3)),
        Cursor(Position.at(datetime(1, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1))),
        Cursor(Position.at(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), ID)),
    ],
)
def test_what_is_written_is_read(cursor: Cursor) -> None:
    text = CURSORS.written(cursor, LISTING)

    assert CURSORS.read(text, LISTING) == cursor
    assert len(text) <= LONGEST


def test_a_position_has_the_time_that_it_was_made_of() -> None:
    assert (CURSOR.position.time, CURSOR.position.id) == (TIME, ID)


def test_a_cursor_is_short_and_goes_into_a_query_as_it_is() -> None:
    text = CURSORS.written(CURSOR, LISTING)

    assert len(text) < 64
    assert text.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": UUID(int=2)},
        {"operation_id": "listOthers"},
        {"sort": "created_at"},
        {"filters": {}},
        {"filters": {**LISTING.filters, "status": ["failed"]}},
        {"filters": {**LISTING.filters, "status": ["timeout,failed"]}},
        {"filters": {**LISTING.filters, "since": TIME + timedelta(microseconds=1)}},
        {"filters": {**LISTING.filters, "name": ""}},
    ],
    ids=str,
)
def test_a_cursor_of_something_else_is_invalid(change: dict[str, Any]) -> None:
    text = CURSORS.written(CURSOR, LISTING)

    assert not readable(text, replace(LISTING, **change))


def test_the_same_filters_in_other_words_are_the_same() -> None:
    text = CURSORS.written(CURSOR, LISTING)

    elsewhere = TIME.astimezone(timezone(timedelta(hours=2)))
    assert readable(text, replace(LISTING, filters={"since": elsewhere, "status": ["timeout", "failed", "failed"]}))


def test_a_cursor_with_any_bit_changed_is_invalid() -> None:
    raw = urlsafe_b64decode(CURSORS.written(CURSOR, LISTING) + "==")

    changed = [raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :] for at in range(len(raw)) for bit in range(8)]

    assert not [each for each in changed if readable(urlsafe_b64encode(each).rstrip(b"=").decode())]


@pytest.mark.parametrize("text", ["", "A", "AAAA", "=", "ä", "a b", "!" * 60, "A" * LONGEST, "A" * 100_000])
def test_what_is_no_cursor_is_invalid(text: str) -> None:
    assert not readable(text)


def test_a_cursor_has_one_text() -> None:
    text = CURSORS.written(CURSOR, LISTING)

    last = text[:-1] + chr(ord(text[-1]) + 1)
    assert [readable(each) for each in (text, text + "=", text + "\n", " " + text, last)] == [True, *[False] * 4]


def test_a_rotation_breaks_no_page() -> None:
    before = CURSORS.written(CURSOR, LISTING)
    first = Cursors({"k1": OLD, "k2": NEW})
    then = Cursors({"k2": NEW, "k1": OLD})

    assert readable(before, cursors=then)
    assert readable(then.written(CURSOR, LISTING), cursors=first)
    assert not readable(before, cursors=Cursors({"k2": NEW}))
    assert not readable(before, cursors=Cursors({"k1": NEW}))


def test_a_new_key_is_another_each_time() -> None:
    made = [dict([passing_keys().split(":", 1)]) for _ in range(2)]

    assert not readable(Cursors(made[0]).written(CURSOR, LISTING), cursors=Cursors(made[1]))


def test_what_another_release_has_made_is_read() -> None:
    made = "AQJrMQAABl9Gv8SpMXyeZnl0JUDelEvgf8H5CueM4Rez_4V0XcuXspVsqq7H"

    assert CURSORS.written(CURSOR, LISTING) == made
    assert CURSORS.read(made, LISTING) == CURSOR


def test_the_contract_takes_as_many_characters_as_a_cursor_may_have() -> None:
    (parameter,) = (each for each in DOCUMENT["components"]["parameters"].values() if each["name"] == "cursor")

    assert parameter["schema"]["maxLength"] == LONGEST


@pytest.mark.parametrize("name", ["k" * length for length in range(1, 17)])
def test_a_key_may_have_a_name_of_any_length(name: str) -> None:
    cursors = Cursors({name: OLD})

    assert cursors.read(cursors.written(CURSOR, LISTING), LISTING) == CURSOR


def test_keys_that_pass_have_256_bits() -> None:
    name, _, text = passing_keys().partition(":")

    assert name == "passing"
    assert len(urlsafe_b64decode(text + "=")) == 32
