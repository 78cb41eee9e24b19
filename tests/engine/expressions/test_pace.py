"""Work at a pace never takes more steps between two rests than a stretch has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.engine.expressions.evaluation import ExpressionTooCostly
from automation.engine.expressions.grammar import MAX_LENGTH
from automation.engine.expressions.pace import SIZE_OF_A_STEP, STRETCH, Allotment, Pace, PacedBudget, SharedPace


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


def test_a_piece_of_several_stretches_has_as_many_rests_before_it() -> None:
    stretches = Stretches()
    pace = Pace(stretches.rest, stretch=3)

    pace.step(10)

    assert len(stretches.steps) == 1 + 3


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


class Beyond(Exception):
    """There are not that many steps left."""


def test_an_allotment_is_for_all_that_share_it_to_the_last_step() -> None:
    stretches = Stretches()
    allotment = Allotment(5, Beyond)
    one, other = (SharedPace(stretches.rest, allotment, stretch=3) for _ in range(2))

    for pace in (one, other, one, other, one):
        pace.step()

    assert allotment.left == 0
    with pytest.raises(Beyond):
        other.step()


def test_what_is_built_is_paid_for_out_of_the_allotment() -> None:
    allotment = Allotment(2, Beyond)
    budget = PacedBudget(SharedPace(Stretches().rest, allotment))

    budget.grow(3 * SIZE_OF_A_STEP - 1)

    assert allotment.left == 0
    with pytest.raises(Beyond):
        budget.grow(SIZE_OF_A_STEP)
