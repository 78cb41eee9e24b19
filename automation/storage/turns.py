"""The bound of what is begun anew because a rule, or a run of it, changed meanwhile: who changes it keeps nobody."""

from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

from automation.domain.errors import Unavailable

MOST_TURNS = 5
"""How often it is begun at the most."""


async def in_turns(
    ask: Callable[[Mapping[str, object]], Awaitable[dict[str, Any] | None]],
    parameters: Mapping[str, object],
    undecided: Container[str],
    decide: Callable[[dict[str, Any]], Awaitable[Mapping[str, object]]],
) -> dict[str, Any] | None:
    """Ask the database until it needs nothing more to be decided, and return its answer.

    Args:
        ask: Asks it, with these parameters.
        parameters: The first ones.
        undecided: The outcomes of its answers after which it is asked once more.
        decide: Returns the parameters that take the place of others then.

    Raises:
        Unavailable: where that is so each time.
    """
    for _ in range(MOST_TURNS):
        row = await ask(parameters)
        if row is None or row["outcome"] not in undecided:
            return row
        parameters = {**parameters, **await decide(row)}
    raise changed_each_time()


def changed_each_time() -> Unavailable:
    """Return what callers are told whose last turn failed as those before did: nothing was changed for them."""
    return Unavailable("A rule that this is about was being changed all the while. Nothing was done.")
