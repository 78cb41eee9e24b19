"""The room on the stack of an evaluation: however deep it is called, no call of its own has to make room anew."""

import resource
from collections.abc import Callable

from automation.engine.expressions.expressions import Expression

DEPTHS = 140
"""More than one chunk of frames, so that every place in a chunk is the caller's once."""
MEMBERS = 1000


def test_no_call_of_an_evaluation_makes_room_anew_however_deep_it_is_called() -> None:
    expression = Expression.compile("trigger")
    scope = {"trigger": [{"number": number} for number in range(MEMBERS)]}

    faults = [faults_at(depth, lambda: expression.evaluate(scope)) for depth in range(DEPTHS)]

    # Each chunk that is made anew is a page that is met for the first time: a call for each member would be a thousand.
    assert max(faults) < MEMBERS / 2


def faults_at(depth: int, act: Callable[[], object]) -> int:
    """Return how many pages are met for the first time by what is done, called at a depth."""
    if depth:
        return faults_at(depth - 1, act)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    act()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
