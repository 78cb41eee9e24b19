"""Work at a pace never takes more steps between two rests than a stretch has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.engine.expressions.evaluation import ExpressionTooCostly
from automation.engine.expressions.grammar import MAX_LENGTH
from automation.engine.expressions.pace import STRETCH, Pace, PacedBudget


class Stretches:
    """Counts the steps between rests."""

    def __init__(self) -> None:
        self.steps = [0]

    def rest(self) -> None:
        self.steps.append(0)


@given(st.lists(st.integers(min_value=1, max_value=STRETCH), max_size=50))
def test_no_stretch_is_longer_than_it_may_be(counts: list[int]) -> None:
    stretches = Stretches()
    pace = Pace(stretches.rest)

    for count in counts:
        pace.step(count)
        stretches.steps[-1] += count

    assert max(stretches.steps) <= STRETCH
    assert sum(stretches.steps) == sum(counts)


def test_a_piece_longer_than_a_stretch_has_a_rest_before_and_after_it() -> None:
    stretches = Stretches()
    pace = Pace(stretches.rest, stretch=3)

    for count in (1, 5, 1):
        pace.step(count)
        stretches.steps[-1] += count

    assert stretches.steps == [1, 5, 1]


def test_the_longest_expression_is_compiled_in_one_stretch() -> None:
    assert MAX_LENGTH <= STRETCH


def test_a_budget_at_a_pace_ends_like_any_other() -> None:
    stretches = Stretches()
    budget = PacedBudget(Pace(stretches.rest, stretch=10), steps=25)

    for _ in range(25):
        budget.step()

    with pytest.raises(ExpressionTooCostly):
        budget.step()
    assert len(stretches.steps) == 3
