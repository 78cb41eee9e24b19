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


@pytest.mark.parametrize("result", [ANSWER, {"a": "x" * 40, "bb": "y" * 30, "ccc": 1}, {"long name": 1, "b": [1, 2]}])
def test_no_more_is_left_out_than_need_be_the_largest_first(result: Mapping[str, Any]) -> None:
    largest_first = sorted(result, key=lambda name: -(size(name) + size(result[name])))

    def without(number: int) -> Mapping[str, Any]:
        omitted = largest_first[:number]
        kept = {name: value for name, value in result.items() if name not in omitted}
        return {**kept, OMITTED: sorted(omitted)} if omitted else kept

    steps = [without(number) for number in range(len(result) + 1)]
    for most in range(size(steps[-1]), size(result) + 2):
        expected = next(step for step in steps if size(step) <= most)
        assert fitted(result, most)[0] == expected


def test_a_result_is_had_by_the_index_of_its_action() -> None:
    results = Results({0: {"a": 1}}, actions=2, most=1000)

    results.add(1, {"b": 2})

    assert (results[0], results[1]) == ({"a": 1}, {"b": 2})


@pytest.mark.parametrize(("index", "room"), [(0, 1000 - 2 * RESERVED), (1, 1000 - RESERVED), (2, 1000)])
def test_room_is_reserved_for_each_action_that_follows(index: int, room: int) -> None:
    def omitted(length: int) -> tuple[str, ...]:
        return Results({}, actions=3, most=1000).add(index, {"a": "x" * (length - size({"a": ""}))})

    assert (omitted(room), omitted(room + 1)) == ((), ("a",))


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
