"""Results of a run within their limit: what doesn't fit is left out, and named."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.engine.runs.results import EVERYTHING, OMITTED, RESERVED, Results, fitted

ANSWER = {"status": 200, "headers": {"etag": '"7"'}, "body": "x" * 5000, "truncated": False}
OBJECTS = st.dictionaries(
    st.text(max_size=20), st.text(max_size=200) | st.integers(-(2**63), 2**63) | st.none(), max_size=8
)


def size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def test_a_result_that_fits_is_kept_as_it_is() -> None:
    assert fitted(ANSWER, size(ANSWER)) == (ANSWER, ())


def test_the_largest_member_is_left_out_first_and_named() -> None:
    kept, omitted = fitted(ANSWER, size(ANSWER) - 1)

    assert kept == {"status": 200, "headers": {"etag": '"7"'}, "truncated": False, OMITTED: ["body"]}
    assert omitted == ("body",)


def test_as_many_members_are_left_out_as_need_be() -> None:
    kept, omitted = fitted({"a": "x" * 100, "b": "y" * 200, "c": 1}, 40)

    assert kept == {"c": 1, OMITTED: ["a", "b"]}
    assert omitted == ("a", "b")


def test_names_that_are_too_long_are_left_out_as_well() -> None:
    assert fitted({"n" * 1000: 1}, 100) == ({OMITTED: [EVERYTHING]}, (EVERYTHING,))


@given(OBJECTS, st.integers(RESERVED, 2000))
def test_what_is_kept_always_fits(result: Mapping[str, Any], most: int) -> None:
    kept, omitted = fitted(result, most)

    assert size(kept) <= most
    assert omitted or kept == result


def test_results_share_their_limit_and_the_last_one_can_still_say_that_nothing_is_left() -> None:
    results = Results({}, actions=50, most=64 * 1024)

    for index in range(50):
        results.add(index, ANSWER)

    kept = results.all()
    assert size({str(index): result for index, result in kept.items()}) <= 64 * 1024 + 50 * len('"49":,')
    assert kept[0] == ANSWER
    assert "body" in kept[49][OMITTED]


def test_results_of_before_a_claim_count() -> None:
    results = Results({0: ANSWER}, actions=2, most=64 * 1024)

    assert results.add(1, {"body": "x" * (64 * 1024 - size(ANSWER))}) == ("body",)


@pytest.mark.parametrize("most", [64 * 1024, 2 * 1024 * 1024])
def test_the_reserve_of_the_longest_rule_leaves_room_for_results(most: int) -> None:
    results = Results({}, actions=50, most=most)

    assert results.add(0, {"body": "x" * (most // 2)}) == ()
