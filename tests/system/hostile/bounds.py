"""Bounds of what an attack may cost others, and what each attack is conceded beyond them.

Times are absolute where the service promises them, and a multiple of what they are in calm phases of the same run where
a machine decides. What the tests' own process was late is allowed for on top.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

SLACK = float(os.environ.get("AUTOMATION_TEST_SLACK", "4" if "PYTEST_XDIST_WORKER" in os.environ else "1"))
"""How many times longer everything may take: 1, but where other tests run beside these, or the environment says so."""

LONGEST_ANSWER = 5.0
"""A request waits at most 4.25 s for the database, in the pool and for its query, and then it is answered."""

ANSWERING = 1.0
"""Seconds in which a process that is well answers a request that needs the database."""

LONGEST_LAG = 0.1
"""Seconds in which a process that is well answers what needs its event loop alone."""

RECOVERY = 15.0
"""Seconds after an attack in which all is well again; a process that was lost is replaced within them."""

TIMES_SLOWER = 3.0
"""How many times longer than in calm phases the slowest hundredth of the requests may take beside an attack."""

SHORTEST_SERIES = 0.1
"""Seconds below which that isn't looked at: nobody notices."""

DEAF = 0.25
"""Seconds in which a worker that hears of jobs begins with one, where its machine isn't slower in calm phases."""

MEMORY_MORE = 0.1
"""How much more memory a process may keep, of what its like had at rest after the largest requests that there are."""

DESCRIPTORS_MORE = 64
"""How many descriptors more a process may keep: its pool grows up to 20 connections, and clients keep some open."""


@dataclass(frozen=True)
class Concession:
    """What an attack may cost the innocent: nothing, unless it says so.

    Args:
        refusals: Requests may be answered 503, with Retry-After.
        refused: Connections may be refused, as they are while nobody listens.
        losses: Connections may be refused or end without an answer, as those of a process that is killed do.
        slowness: The slowest requests aren't compared with those before.
        held: Seconds that a request may be held beyond the longest answer, as one in a frozen process is.
        started: Seconds after its acknowledgement in which a run begins.
    """

    refusals: bool = False
    refused: bool = False
    losses: bool = False
    slowness: bool = False
    held: float = 0.0
    started: float = 5.0


def together(concessions: Iterable[Concession]) -> Concession:
    """Return what attacks at the same time may cost."""
    each = list(concessions)
    return Concession(
        refusals=any(one.refusals for one in each),
        refused=any(one.refused for one in each),
        losses=any(one.losses for one in each),
        slowness=any(one.slowness for one in each),
        held=sum(one.held for one in each),
        started=max(one.started for one in each),
    )
