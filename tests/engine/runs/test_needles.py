"""Needles are found wherever they stand, however many there are and however alike they begin."""

from collections.abc import Collection
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.engine.runs.needles import Needles
from automation.engine.runs.redaction import TooLong, within
from tests.engine.runs.counting import Counting

MUCH = 10**9
OTHERS = [f"{number:08}!" for number in range(200)]
"""So many that places are looked up in the table."""

FEW_LETTERS = st.text("ab", min_size=8, max_size=14)


def searching(needles: Collection[str]) -> Needles:
    searching = Needles()
    for needle in needles:
        searching.add(needle)
    return searching


def covered(needles: Collection[str], text: str) -> set[int]:
    """Return the places of a text that needles cover, the beginning of one at its end included."""
    whole = {
        place
        for needle in needles
        for at in range(len(text))
        if text.startswith(needle, at)
        for place in range(at, at + len(needle))
    }
    cut = (at for needle in needles for at in range(len(text) - 7) if needle.startswith(text[at:]))
    return whole.union(*(range(at, len(text)) for at in cut))


@pytest.mark.parametrize("others", [[], OTHERS], ids=["few", "many"])
@given(needles=st.lists(FEW_LETTERS, min_size=1, max_size=6), text=st.text("abc", max_size=60))
def test_what_needles_cover_is_found(others: list[str], needles: list[str], text: str) -> None:
    spans = searching([*needles, *others]).spans(text, within(MUCH))

    assert {place for begin, end in spans for place in range(begin, end)} == covered(needles, text)
    assert all(before[1] <= behind[0] for before, behind in pairwise(spans))


@pytest.mark.parametrize("others", [[], OTHERS], ids=["few", "many"])
@pytest.mark.parametrize(
    ("needles", "text", "expected"),
    [
        (["abcdefgh"], "abcdefghabcdefgh", [(0, 8), (8, 16)]),
        (["abcdefgh"], "abcdefgh-abcdefgh", [(0, 8), (9, 17)]),
        (["abcdefgh", "efghijkl"], "-abcdefghijkl-", [(1, 13)]),
        (["abcdefgh", "hijklmno"], "abcdefghijklmno-", [(0, 15)]),
        (["abcdefghijkl", "cdefghij"], "abcdefghijkl-", [(0, 12)]),
        (["abcdefgh", "abcdefghijkl"], "abcdefghijkl-abcdefghij-", [(0, 12), (13, 21)]),
        (["abcdefghijkl"], "-abcdefghijk", [(1, 12)]),
        (["abcdefghijkl", "abcdefghijxy"], "-abcdefghijx", [(1, 12)]),
        (["abcdefghijkl"], "-abcdefghijx", []),
        (["abcdefghijkl", "efghijklmnop"], "abcdefghijklmno", [(0, 15)]),
    ],
)
def test_needles_side_by_side_are_two_and_those_that_overlap_are_one(
    others: list[str], needles: list[str], text: str, expected: list[tuple[int, int]]
) -> None:
    assert searching([*needles, *others]).spans(text, within(MUCH)) == expected


@pytest.mark.parametrize("others", [[], OTHERS], ids=["few", "many"])
@given(needles=st.lists(FEW_LETTERS, min_size=1, max_size=6), text=st.text("abc", max_size=60))
def test_whether_a_whole_needle_or_a_beginning_is_in_a_text_is_known(
    others: list[str], needles: list[str], text: str
) -> None:
    searched = searching([*needles, *others])

    assert searched.are_in(text, within(MUCH)) == any(needle in text for needle in needles)
    assert searched.may_be_in(text, within(MUCH)) == any(needle[:8] in text for needle in needles)


@pytest.mark.parametrize("others", [[], OTHERS], ids=["few", "many"])
@pytest.mark.parametrize("at", [0, 1, 2039, 2040, 2041, 2047, 2048, 4090, 10_000])
def test_a_needle_is_found_at_every_place_of_a_long_text(others: list[str], at: int) -> None:
    text = f"{'x' * at}a needle of words{'x' * 3000}"

    spans = searching(["a needle of words", *others]).spans(text, within(MUCH))

    assert spans == [(at, at + 17)]


def test_what_is_shorter_than_a_beginning_is_not_searched_for() -> None:
    assert not searching(["1234567"])
    assert searching(["12345678"])


def test_the_number_of_needles_costs_a_search_nothing() -> None:
    def steps(count: int) -> int:
        pace = within(MUCH)
        searching([f"{number:016}" for number in range(0, count * 10**8, 10**8)]).spans("a text " * 10_000, pace)
        return MUCH - pace.allotment.left

    assert steps(100) == steps(10_000)


def test_a_text_at_each_of_whose_places_thousands_may_begin_is_given_up() -> None:
    alike = searching([f"{'a' * length}b" for length in range(8, 3000)])

    with pytest.raises(TooLong):
        alike.spans("a" * 10_000, within(100_000))


def test_each_place_that_is_found_and_each_that_is_looked_at_is_a_step() -> None:
    needles, found, nothing = searching(["abcdefgh"]), "abcdefgh" * 100, "x" * 800
    steps: dict[tuple[str, str], int] = {}
    for name, look in (("may be", needles.may_be_in), ("spans", needles.spans)):
        for text in (found, nothing):
            pace = Counting()
            look(text, pace)
            steps[name, text] = pace.steps

    assert steps["may be", found] - steps["may be", nothing] == 100
    assert steps["spans", found] - steps["spans", nothing] == 200


def test_what_is_forgotten_is_forgotten_at_a_pace() -> None:
    needles, pace = searching(OTHERS), Counting()

    needles.clear(pace)

    assert pace.steps > 1
    assert not needles.may_be_in(OTHERS[0], pace)
