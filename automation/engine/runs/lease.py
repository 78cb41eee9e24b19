"""The time for which a claim certainly holds, by this process's own clock: what an action asks before it sends."""

import time

CERTAIN_SHARE = 2 / 3
"""How much of a lease is left at least when a statement has been answered that renews it: it is written once a third
of it is gone (begin_call, renew_claim)."""

_NOTHING = float("-inf")


def now() -> float:
    """Return the seconds of a clock that goes on while the process is stopped, and while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Lease:
    """Until when a claim holds, whatever happens elsewhere; before the first renewal, it does not.

    It counts from before the statement was sent that renewed it: the database's lease began later than that, and ends
    later. What this process slept in between counts.

    Args:
        seconds: For how long each renewal is.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = _NOTHING

    def holds(self) -> bool:
        """Return whether the claim certainly holds: nobody else can have taken the run over, or ended it."""
        return now() < self._until

    def renewed(self, asked: float) -> None:
        """Learn that a renewal was granted.

        Args:
            asked: What ``now`` said before it was asked for.
        """
        self._until = max(self._until, asked + self.seconds * CERTAIN_SHARE)

    def lost(self) -> None:
        """Learn that the claim is another's, or that the run is over."""
        self._until = _NOTHING
