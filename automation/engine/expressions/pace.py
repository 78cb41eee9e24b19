"""Paces long work by counting its steps, so that whoever does it in a thread leaves the interpreter to others.

A thread that computes takes the interpreter from the event loop for milliseconds each time the loop waits for a socket:
two of them made other tenants' reads thirty times as slow. A thread that sleeps after each stretch gives it back.
"""

import sys
from collections.abc import Callable

from automation.engine.expressions.evaluation import MAX_SIZE, MAX_STEPS, Budget

STRETCH = 512
"""Steps between two rests: about 1 ms. The longest expression takes one stretch."""


class Pace:
    """Counts the steps of some work, and has it rest whenever another stretch is done.

    Args:
        rest: Called before a step that would make the stretch too long.
        stretch: How many steps there are between two rests.
    """

    __slots__ = ("_left", "_rest", "_stretch")

    def __init__(self, rest: Callable[[], None], *, stretch: int = STRETCH) -> None:
        self._rest = rest
        self._stretch = stretch
        self._left = stretch

    def step(self, count: int = 1) -> None:
        """Count steps, before they are taken."""
        self._left -= count
        if self._left < 0:
            self._rest()
            self._left = self._stretch - count


class PacedBudget(Budget):
    """A budget whose steps are taken at a pace."""

    __slots__ = ("_pace",)

    def __init__(self, pace: Pace, *, steps: int = MAX_STEPS, size: int = MAX_SIZE) -> None:
        super().__init__(steps=steps, size=size)
        self._pace = pace

    @classmethod
    def paced(cls, pace: Pace) -> "PacedBudget":
        """Return the budget of work at a pace whose bound was held when its rule was written."""
        return cls(pace, steps=sys.maxsize, size=sys.maxsize)

    def step(self, count: int = 1) -> None:
        super().step(count)
        self._pace.step(count)
