"""The processor's time and the memory of a process and all its descendants."""

from collections.abc import Callable
from contextlib import suppress

import psutil

_TRIES = 20
"""How often a family is counted again of which a member ended meanwhile."""


def seconds_spent_since_now(process: int) -> Callable[[], float]:
    """Begin to count the processor's seconds, user's and system's, of a process and its descendants.

    Returns:
        A function that says how many there were until it is called.
    """
    before = _seconds(process)
    return lambda: _seconds(process) - before


def memory(process: int) -> int:
    """Return the bytes of memory that a process and its descendants occupy."""
    return sum(each.memory_info().rss for each in _family(process))


def _seconds(process: int) -> float:
    """Return the seconds of all who live, and of the children whose end they have seen."""
    for _ in range(_TRIES):
        with suppress(psutil.NoSuchProcess):
            return sum(sum(each.cpu_times()[:4]) for each in _family(process))
    raise psutil.NoSuchProcess(process)


def _family(process: int) -> list[psutil.Process]:
    parent = psutil.Process(process)
    return [parent, *parent.children(recursive=True)]
