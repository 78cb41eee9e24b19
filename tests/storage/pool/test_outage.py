"""Outages as they are noticed: by a connection that is refused, or by so many statements in a row without a word."""

import logging
from types import SimpleNamespace

import pytest

from automation.storage.pool import outage
from automation.storage.pool.causes import AWAY
from automation.storage.pool.outage import LOGGER, SILENT_STATEMENTS, Outage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that an outage goes by, as its only member."""
    now = [100.0]
    monkeypatch.setattr(outage, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_three_statements_in_a_row_without_a_word_are_one() -> None:
    noticed = Outage()

    assert SILENT_STATEMENTS == 3
    assert [noticed.hears_nothing() for _ in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("word", ["hears", "end"])
def test_a_word_between_them_has_them_counted_anew(word: str) -> None:
    noticed = Outage()
    noticed.hears_nothing()
    noticed.hears_nothing()

    getattr(noticed, word)()

    assert [noticed.hears_nothing() for _ in range(3)] == [False, False, True]


def test_it_lasts_from_the_first_refusal_to_the_first_connection(clock: list[float]) -> None:
    noticed = Outage()
    assert not noticed.lasts()

    noticed.begin("refused", AWAY)
    clock[0] += 2
    noticed.begin("refused again")

    assert [noticed.lasts(), noticed.lasts(2.0), noticed.lasts(2.5)] == [True, True, False]
    assert noticed.cause is None, "the last refusal had none"
    noticed.end()
    assert (noticed.lasts(), noticed.cause) == (False, None)


def test_it_is_told_once_and_so_is_its_end(clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    noticed = Outage()

    with caplog.at_level(logging.INFO, logger=LOGGER):
        noticed.end()
        for _ in range(2):
            noticed.begin("refused")
        clock[0] += 1.5
        for _ in range(2):
            noticed.end()

    assert [record.getMessage() for record in caplog.records] == ["database away", "database back"]
    assert [vars(record).get("seconds") for record in caplog.records] == [None, 1.5]
