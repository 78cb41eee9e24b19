"""The pause before a child is replaced: none, unless it ended at once, as the one before it did."""

SOON_SECONDS = 10.0
"""Tuned: seconds; a child that lived for less ended at once."""
LONGEST_SECONDS = 30.0
"""Tuned: seconds that a pause has at the most."""

_FIRST_SECONDS = 1.0
"""Tuned: seconds of the first pause."""


class Respawn:
    """Doubles the pause where children end at once, one after the other: what each of them dies of is still there."""

    def __init__(self) -> None:
        self._next = 0.0

    def pause(self, lived: float) -> float:
        """Return for how many seconds to wait before the next one.

        Args:
            lived: For how many seconds the last one has lived.
        """
        if lived >= SOON_SECONDS:
            self._next = 0.0
            return 0.0
        pause, self._next = self._next, min(LONGEST_SECONDS, max(_FIRST_SECONDS, 2.0 * self._next))
        return pause
