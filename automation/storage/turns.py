"""The bound of what is begun anew because a rule was changed meanwhile: who changes it all the time keeps nobody."""

from automation.domain.errors import Unavailable

MOST_TURNS = 5
"""How often it is begun at the most."""


def changed_each_time() -> Unavailable:
    """Return what callers are told whose last turn failed as those before did: nothing was changed for them."""
    return Unavailable("A rule that this is about was being changed all the while. Nothing was done.")
