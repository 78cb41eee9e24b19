"""Freshness of what is remembered of keys: which changes were heard of, and until when there can be no other.

Changes arrive in the order in which they were committed, and so does what this process sends itself. What was sent at
*t* and came back is a proof: every change that was committed before *t* has arrived. For ``GOOD_FOR`` seconds from *t*
on, whatever has not arrived is younger than that.
"""

import math
from uuid import UUID

GOOD_FOR = 0.9
"""Seconds: a request may still be on its way when its key is revoked, a tenth of the second is left for that."""

PLACES = 4096
"""A change is noted in one of so many places, so that noting it takes no look at what is remembered.

Whoever shares the place with what has changed is looked up once more, too.
"""


class Watch:
    """A time of listening without a gap; until ``proved_until``, by the monotonic clock, no change is unheard of."""

    __slots__ = ("proved_until",)

    def __init__(self) -> None:
        self.proved_until = -math.inf


class Freshness:
    """What this process has heard of changes; public to whoever judges what is remembered, at every request.

    ``heard`` counts the changes, and ``places`` has the number of the latest one of each place. What was looked up
    while ``watch`` was the current one, after ``heard`` changes, is as good as new where neither its user's nor its
    tenant's place has a higher number, until ``watch.proved_until``. Where nobody listens, nothing is ever proved.
    """

    __slots__ = ("heard", "places", "watch")

    def __init__(self) -> None:
        self.heard = 0
        self.places = [0] * PLACES
        self.watch = Watch()

    def begin(self) -> None:
        """Begin another watch: what was looked up before may have changed in between without anybody's hearing."""
        self.watch = Watch()

    def changed(self, subject: UUID | None) -> None:
        """Note that something of a user or of a tenant has changed, None for anybody's."""
        self.heard += 1
        if subject is None:
            self.places[:] = [self.heard] * PLACES
        else:
            self.places[place_of(subject)] = self.heard

    def proved(self, sent: float) -> None:
        """Note that all changes that were committed before ``sent``, by the monotonic clock, have been heard of."""
        self.watch.proved_until = sent + GOOD_FOR


def place_of(subject: UUID) -> int:
    """Return where changes of a user or of a tenant are noted."""
    return subject.int % PLACES
