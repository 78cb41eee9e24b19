"""Bounds of what an attack may cost others, and what each attack is conceded beyond them.

Times are those of a machine that has nothing else to do, times a slack: a machine of CI has neighbours, and a second
that their work takes is none that the service took. What the tests' own process was late is allowed for on top.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

SLACK = float(os.environ.get("AUTOMATION_TEST_SLACK", "2"))
"""How many times longer everything may take than on a quiet machine; 1 where the machine is one."""

LONGEST_ANSWER = 5.0
"""A request waits at most 4.25 s for the database, in the pool and for its query, and then it is answered."""

ANSWERING = 1.0
"""Seconds in which a process that is well answers."""

RECOVERY = 15.0
"""Seconds after an attack in which all is well again; a process that was lost is replaced within them."""

LONGEST_SERIES = 5.0
"""How many times longer than before the attack the slowest hundredth of the requests may take beside it."""

SHORTEST_SERIES = 0.5
"""Seconds below which that isn't looked at: the slowest of some hundred requests are few, and before it very fast."""

MEMORY_TIMES, MEMORY_MORE = 2.0, 128 * 2**20
"""How much memory a process may keep of what it had at first: an allocator does not give everything back at once."""

DESCRIPTORS_MORE = 64
"""How many descriptors more a process may keep: its pool grows up to 20 connections, and clients keep some open."""


@dataclass(frozen=True)
class Concession:
    """What an attack may cost the innocent: nothing, unless it says so.

    Args:
        refusals: Requests may be answered 503, with Retry-After.
        losses: Connections may be refused or end without an answer, as those of a process that is killed do.
        slowness: The slowest requests aren't compared with those before.
        held: Seconds that a request may be held beyond the longest answer, as one in a frozen process is.
        started: Seconds after its acknowledgement in which a run begins.
    """

    refusals: bool = False
    losses: bool = False
    slowness: bool = False
    held: float = 0.0
    started: float = 5.0


def together(concessions: Iterable[Concession]) -> Concession:
    """Return what attacks at the same time may cost."""
    each = list(concessions)
    return Concession(
        refusals=any(one.refusals for one in each),
        losses=any(one.losses for one in each),
        slowness=any(one.slowness for one in each),
        held=sum(one.held for one in each),
        started=max(one.started for one in each),
    )
