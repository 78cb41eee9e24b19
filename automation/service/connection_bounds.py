"""Bounds of connections: how many a process may have, and how long one may be silent."""

import resource
from dataclasses import dataclass

TICK_SECONDS = 1.0
"""How often all connections are looked at, at the least."""

_RESERVE = 64  # descriptors for files, pipes, and connections that are just being refused
_UNLIMITED = 65_536
_TICKS_OF_A_DEADLINE = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """What connections are held to.

    Args:
        first_byte_seconds: How long a new one may be silent.
        body_seconds: How long a body may take, and another second for each ``slowest_rate`` bytes of it.
        write_seconds: In each such time an answer that waits to be read must go on by ``slowest_rate`` bytes a second.
        slowest_rate: In bytes a second.
        most: How many there may be.
        most_per_address: How many of them may come from one address.
    """

    first_byte_seconds: float
    body_seconds: float
    write_seconds: float
    slowest_rate: int
    most: int
    most_per_address: int

    @property
    def tick_seconds(self) -> float:
        """How often all connections are looked at."""
        shortest = min(self.first_byte_seconds, self.body_seconds, self.write_seconds)
        return min(TICK_SECONDS, shortest / _TICKS_OF_A_DEADLINE)


def most_connections(database_connections: int) -> int:
    """Return how many connections this process may have by its limit of descriptors.

    Args:
        database_connections: How many descriptors the pool may need.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _UNLIMITED
    return max(1, min(soft - database_connections - _RESERVE, _UNLIMITED))
