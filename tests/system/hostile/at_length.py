"""Minutes of attacks, from a fresh seed, or from the one in AUTOMATION_TEST_SEED; so ``make test-hostile``."""

import os
import random
import time

import pytest

from tests.system.hostile.arena import an_arena
from tests.system.hostile.rounds import come_to_rest, play_a_round
from tests.system.hostile.vitals import Vitals

SEED = "AUTOMATION_TEST_SEED"
MINUTES = float(os.environ.get("AUTOMATION_TEST_MINUTES", "2.5"))


@pytest.mark.timeout(900)
# Whom a fault of this kind cuts off closes nothing in order, here as there.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_hostile_clients_and_failing_parts_cost_an_innocent_tenant_no_more_than_is_conceded(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1_000_000))
    until = time.monotonic() + MINUTES * 60
    broken = list[str]()
    async with an_arena(tmp_path_factory.mktemp("hostile")) as arena:
        vitals = Vitals(arena)
        while time.monotonic() < until and not broken:
            broken = await play_a_round(arena, vitals, seed=seed)
            seed += 1
        broken += await come_to_rest(arena)

    assert broken == [], f"{SEED}={seed - 1} plays the last round again"
