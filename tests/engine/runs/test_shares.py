"""Shares of a worker's slots: who may begin one more execution, whatever the mix of tenants."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.engine.runs.shares import Shares

A, B, C = uuid4(), uuid4(), uuid4()


def running(slots: int, **tenants: int) -> Shares:
    """Return the shares where so many executions run of each tenant."""
    shares = Shares(slots)
    for name, number in tenants.items():
        for _ in range(number):
            shares.enter({"a": A, "b": B, "c": C}[name])
    return shares


@pytest.mark.parametrize(
    ("tenants", "full"),
    [
        ({"a": 9}, set()),
        ({"a": 10}, {A}),
        ({"a": 20}, {A}),
        ({"a": 9, "b": 9}, set()),
        ({"a": 10, "b": 9}, {A}),
        ({"a": 20, "b": 10}, {A, B}),
        ({"a": 7, "b": 7, "c": 6}, {A, B}),
    ],
)
def test_a_tenant_is_full_that_has_an_equal_part_of_the_slots(tenants: dict[str, int], full: set[UUID]) -> None:
    assert set(running(20, **tenants).full()) == full


def test_the_one_that_has_just_begun_may_fill_the_share() -> None:
    assert running(20, a=10, b=1).full(A) == []
    assert running(20, a=11, b=1).full(A) == [A]


def test_a_share_is_in_proportion_to_the_weight() -> None:
    shares = running(20, a=15, b=1)

    shares.learn(A, 30)

    assert shares.full(B) == [A]
    assert running(20, a=14, b=1).full(A) == [A]
    shares.leave(A)
    assert shares.full() == []


def test_a_tenant_of_whom_nothing_runs_is_forgotten() -> None:
    shares = running(20, a=10, b=1)

    shares.leave(B)
    for _ in range(10):
        shares.leave(A)

    assert shares.full() == []
    assert not shares.crowded


def test_a_tenant_of_whom_nothing_runs_takes_no_share_and_has_no_weight_any_more() -> None:
    shares = running(20, a=7, b=7, c=1)
    shares.learn(C, 100)

    shares.leave(C)
    without = shares.full()
    for tenant in (A, B):
        shares.leave(tenant)
    shares.enter(C)

    assert without == []
    assert shares.full() == []
    assert running(20, a=7, b=6, c=1).full() == [A]


def test_two_tenants_share_by_their_weights_alone_and_one_leaves_as_much_as_a_usual_one_has() -> None:
    two, one = running(20, a=9, b=1), running(20, a=9)
    two.learn(A, 1)
    two.learn(B, 1)

    one.learn(A, 1)

    assert two.full() == []
    assert set(one.full()) == {A}


def test_who_leaves_frees_one_slot() -> None:
    shares = running(4, a=3)

    shares.leave(A)

    assert shares.free == 2


@pytest.mark.parametrize(("number", "free"), [(0, 4), (1, 3), (4, 0), (5, 0)])
def test_slots_are_free_that_nobody_has_taken(number: int, free: int) -> None:
    assert running(4, a=number).free == free


@pytest.mark.parametrize(
    ("number", "crowded", "overcrowded", "exhausted"),
    [(3, False, False, False), (4, True, False, False), (5, True, True, False), (8, True, True, True)],
)
def test_beyond_the_slots_there_is_room_for_as_many_again(
    number: int, *, crowded: bool, overcrowded: bool, exhausted: bool
) -> None:
    shares = running(4, a=number)

    assert (shares.crowded, shares.overcrowded, shares.exhausted) == (crowded, overcrowded, exhausted)


@given(
    slots=st.integers(1, 40),
    numbers=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    weights=st.lists(st.integers(1, 100), min_size=8, max_size=8),
)
def test_while_a_slot_is_free_somebody_that_runs_is_below_its_share_or_alone(
    slots: int, numbers: list[int], weights: list[int]
) -> None:
    """So no turn is passed round for ever: a slot that is free can be taken."""
    shares, tenants = Shares(slots), [UUID(int=n + 1) for n in range(len(numbers))]
    for tenant, number, weight in zip(tenants, numbers, weights, strict=False):
        shares.learn(tenant, weight)
        for _ in range(number):
            shares.enter(tenant)

    assert shares.crowded or len(tenants) == 1 or set(shares.full()) != set(tenants)
