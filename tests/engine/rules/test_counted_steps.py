"""Steps of masking and of putting back: as many are counted as there is to look at, so that long work has a pace."""

from typing import Any

import pytest

from automation.engine.expressions.pace import Step
from automation.engine.rules.likeness import Likeness
from automation.engine.rules.masking import masked
from automation.engine.rules.unmasking import _Unmasking


class Counted:
    """Adds up what is counted."""

    def __init__(self) -> None:
        self.steps = 0

    def __call__(self, steps: int) -> None:
        self.steps += steps


@pytest.mark.parametrize(
    ("value", "steps"),
    [
        (7, 0),
        ("text", 0),
        ("a=1", 1),
        ("a=1&b=2&c=3&d=4&e=5&f=6", 4),
        ("https://one.example", 1),
        (" ".join(["https://one.example"] * 6), 4),
        ("https://one.example?a=1&b=2", 3),
        ([], 1),
        ([1] * 20, 6),
        (tuple([1] * 20), 6),
        ({}, 1),
        ({str(number): number for number in range(20)}, 11),
        ({"outer": [{"inner": "a=1"}, {}]}, 1 + 1 + 1 + 1 + 1),
        ({"token": ["what is hidden", "is not looked at"]}, 1),
    ],
)
def test_masking_counts_members_elements_parameters_and_urls(value: Any, steps: int) -> None:
    counted = Counted()

    masked(value, counted)

    assert counted.steps == steps


@pytest.mark.parametrize(("size", "steps"), [(0, 1), (1, 1), (2, 2), (20, 11)])
def test_telling_values_apart_counts_their_members_and_each_value_once(size: int, steps: int) -> None:
    for value in ([1] * size, {str(number): 1 for number in range(size)}):
        counted = Counted()
        likeness = Likeness(counted)

        assert likeness.of(value) == likeness.of(value)
        assert counted.steps == steps


@pytest.mark.parametrize(("sent", "stored"), [(0, 0), (3, 0), (0, 4), (3, 4)])
def test_putting_back_counts_what_was_sent_and_what_is_stored(sent: int, stored: int) -> None:
    def members(size: int) -> dict[str, Any]:
        return {str(number): number for number in range(size)}

    def counted_for(one: Any, other: Any) -> int:
        counted = Counted()
        step: Step = counted
        _Unmasking(step).value(one, other, ())
        return counted.steps

    assert counted_for(members(sent), members(stored)) == 1 + sent + stored
    assert counted_for([1] * sent, [1] * stored) == 1 + sent + stored
