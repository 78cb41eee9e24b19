"""Three minutes of chance, from fresh seeds, or from the one in AUTOMATION_TEST_SEED; so ``make test-model``."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.model.rounds import play_a_round

SEED = "AUTOMATION_TEST_SEED"
MINUTES = 3.0
ROUND = 25.0


@pytest.mark.timeout(900)
async def test_every_promise_is_kept_for_minutes(data_directories: Callable[[str], Path]) -> None:
    given = os.environ.get(SEED)
    until = time.monotonic() + MINUTES * 60
    seeds, broken = list[int](), list[str]()
    while (not seeds or time.monotonic() < until) and not broken:
        seeds.append(int(given) + len(seeds) if given else random.SystemRandom().randrange(1_000_000))
        directory = data_directories("model")
        broken = await play_a_round(directory, seed=seeds[-1], seconds=ROUND, faults=len(seeds) % 3 != 1)

    assert broken == [], f"{SEED}={seeds[-1]} plays it again"
