"""Plays one round from a seed, and says in one line what happened in it."""

import logging
from collections import Counter
from pathlib import Path

from tests.system.model.account import read_account
from tests.system.model.checks import broken_promises
from tests.system.model.play import Play
from tests.system.model.world import a_world

_log = logging.getLogger(__name__)


async def play_a_round(directory: Path, *, seed: int, seconds: float, faults: bool) -> list[str]:
    """Play, and return a line for each promise that was not kept.

    Args:
        directory: Where the world's PostgreSQL has its data.
        seed: What chance begins with. Processes have chances of their own: a seed repeats what is done, not each
            interleaving.
        seconds: How long executions are created.
        faults: Whether workers and the database freeze, workers die and jobs get lost meanwhile.
    """
    async with a_world(directory, seed) as world:
        played = await Play(world, seconds=seconds, faults=faults).play()
        account = read_account(world.urls)
        broken = broken_promises(world, played, account)
        statuses = dict(Counter(row["status"] for row in account.executions.values()))
        _log.info(
            f"seed {seed}: {len(account.executions)} executions {statuses}, {len(account.attempts)} attempts, "
            f"{len(world.calls)} calls, {world.faults or 'no faults'}, {dict(played.answers)}: "
            f"{len(broken)} promises broken"
        )
        for line in broken:
            _log.warning(line)
        return broken
