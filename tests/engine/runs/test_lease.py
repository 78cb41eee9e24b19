"""A lease that holds by the clock of whoever was granted it, from before it was asked for."""

import time

import pytest

from automation.engine.runs import lease
from automation.engine.runs.lease import Lease


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    reading = {"now": 100.0}
    monkeypatch.setattr(lease, "now", lambda: reading["now"])
    return reading


def test_it_does_not_hold_before_it_was_granted() -> None:
    assert not Lease(15).holds()


@pytest.mark.parametrize(("later", "holds"), [(0.0, True), (9.9, True), (10.0, False), (10.1, False)])
def test_it_holds_for_as_long_as_is_certain_from_before_it_was_asked_for(
    clock: dict[str, float], *, later: float, holds: bool
) -> None:
    granted = Lease(15)

    granted.renewed(asked=100.0)
    clock["now"] += later

    assert granted.holds() is holds


def test_an_earlier_question_whose_answer_comes_late_takes_nothing_away(clock: dict[str, float]) -> None:
    granted = Lease(15)

    granted.renewed(asked=100.0)
    granted.renewed(asked=95.0)
    clock["now"] += 9.0

    assert granted.holds()


def test_it_does_not_hold_once_it_is_lost(clock: dict[str, float]) -> None:
    granted = Lease(15)
    granted.renewed(asked=clock["now"])

    granted.lost()

    assert not granted.holds()


def test_its_clock_is_the_one_that_goes_on_while_the_machine_sleeps_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", 77, raising=False)
    monkeypatch.setattr(time, "clock_gettime", {77: 7.0}.__getitem__)
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    with_it = lease.now()
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")

    assert (with_it, lease.now()) == (7.0, 5.0)
