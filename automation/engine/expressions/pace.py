"""Paces long work by counting its steps, so that whoever does it in a thread leaves the interpreter to others.

A thread that computes takes the interpreter from the event loop for milliseconds each time the loop waits for a socket:
two of them made other tenants' reads thirty times as slow. A thread that sleeps after each stretch gives it back.
"""

import sys
import time
from collections.abc import Callable
from typing import NoReturn

from automation.engine.expressions.evaluation import MAX_SIZE, MAX_STEPS, Budget

STRETCH = 512
"""Steps between two rests: about 1 ms. The longest expression takes one stretch."""
_REST_SECONDS = 0.001
SIZE_OF_A_STEP = 128
"""Elements or characters that are built, at the slowest, in the time of a step."""


Step = Callable[[int], None]
"""Counts steps of 2 µs, before they are taken."""


def uncounted(_steps: int) -> None:
    """Count no steps: the work has a bound of its own, or is done where nobody waits."""


class Long(BaseException):
    """Some work isn't done within one stretch; nothing that it calls catches this."""


def at_once() -> NoReturn:
    """Rest not: what isn't done by now is begun anew elsewhere."""
    raise Long


def rest_a_while() -> None:
    """Sleep as long as a stretch took, in a thread: whoever waits for the interpreter has at least half of it."""
    time.sleep(_REST_SECONDS)


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
        """Count steps, before they are taken: where they are many stretches in one, there are as many rests."""
        self._left -= count
        if self._left < 0:
            for _ in range(max(1, count // self._stretch)):
                self._rest()
            self._left = self._stretch - count

    def grow(self, size: int) -> None:
        """Leave what is built uncounted: within a budget of its own it takes milliseconds."""


class Allotment:
    """The steps that several pieces of work have together.

    Args:
        steps: How many there are.
        beyond: Returns what is raised where there are not that many left.
    """

    __slots__ = ("_beyond", "left")

    def __init__(self, steps: int, beyond: Callable[[], Exception]) -> None:
        self.left = steps
        self._beyond = beyond

    def take(self, count: int) -> None:
        """Take steps, before they are; once there were not enough, there are none."""
        self.left -= count
        if self.left < 0:
            raise self._beyond()


class SharedPace(Pace):
    """A pace whose steps are an allotment's, and so is the time that is taken by what is built or compared in bulk."""

    __slots__ = ("allotment",)

    def __init__(self, rest: Callable[[], None], allotment: Allotment, *, stretch: int = STRETCH) -> None:
        super().__init__(rest, stretch=stretch)
        self.allotment = allotment

    def step(self, count: int = 1) -> None:
        self.allotment.take(count)
        super().step(count)

    def grow(self, size: int) -> None:
        """Count a step for so many elements or characters."""
        self.step(size // SIZE_OF_A_STEP)


class BoundedPace(Pace):
    """Another pace for work that has an allotment besides."""

    __slots__ = ("_pace", "allotment")

    def __init__(self, pace: Pace, allotment: Allotment) -> None:
        self._pace = pace
        self.allotment = allotment

    def step(self, count: int = 1) -> None:
        self.allotment.take(count)
        self._pace.step(count)


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

    def grow(self, size: int) -> None:
        super().grow(size)
        self._pace.grow(size)
