"""Plays every attack, from a fresh seed, or from the one in AUTOMATION_TEST_SEED; so ``make test-hostile``."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.hostile.arena import an_arena
from tests.system.hostile.rounds import ATTACKS, come_to_rest, play_a_round, warm_up
from tests.system.hostile.vitals import Vitals

SEED = "AUTOMATION_TEST_SEED"
MINUTES = float(os.environ.get("AUTOMATION_TEST_MINUTES", "0"))
"""For how long to go on once each attack has been played."""


@pytest.mark.timeout(1800)
# Whom a fault of this kind cuts off closes nothing in order, here as there.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_hostile_clients_and_failing_parts_cost_an_innocent_tenant_no_more_than_is_conceded(
    data_directories: Callable[[str], Path],
) -> None:
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1_000_000))
    first, until = seed, time.monotonic() + MINUTES * 60
    broken = list[str]()
    async with an_arena(data_directories("hostile")) as arena:
        vitals = Vitals(arena)
        await warm_up(arena, vitals)
        while not broken and (seed < first + len(ATTACKS) or time.monotonic() < until):
            broken = await play_a_round(arena, vitals, seed=seed)
            seed += 1
        broken += await come_to_rest(arena)

    assert broken == [], f"{SEED}={seed - 1} plays the last round again"
