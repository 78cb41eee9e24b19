"""The pause before a child is replaced: none, unless it ended at once, as the one before it did."""

SOON_SECONDS = 10.0
"""A child that lived for less ended at once."""
LONGEST_SECONDS = 30.0

_FIRST_SECONDS = 1.0


class Respawn:
    """Counts children that ended at once, one after the other: what each of them dies of is still there."""

    def __init__(self) -> None:
        self._soon = 0

    def pause(self, lived: float) -> float:
        """Return for how many seconds to wait before the next one.

        Args:
            lived: For how many seconds the last one has lived.
        """
        if lived >= SOON_SECONDS:
            self._soon = 0
            return 0.0
        self._soon += 1
        if self._soon == 1:
            return 0.0
        return min(LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(self._soon - 2, 10))
