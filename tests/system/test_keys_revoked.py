"""A revoked key is let in nowhere after a second, whatever keeps a process from hearing of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.system.children import lines_of
from tests.system.processes import wait_for_line
from tests.system.revocations import (
    DISTURBANCES,
    PROCESSES,
    Stage,
    revocations,
    stage,
)

KEYS = 30

pytestmark = pytest.mark.timeout(400)  # outages of some seconds each, and all keys are asked with after each


@pytest.fixture
async def theatre(data_directories: Callable[[str], Path]) -> AsyncIterator[Stage]:
    """A service on a database of its own."""
    async with stage(data_directories("revocations")) as made:
        yield made


async def test_a_revoked_key_is_let_in_for_a_second_at_the_most_whatever_happens(theatre: Stage) -> None:
    for disturbance in DISTURBANCES:
        played = revocations(theatre, KEYS)

        await played.play(disturbance)

        assert played.too_late() == [], disturbance.__name__

    wait_for_line(theatre.process, "changes of keys are heard again")
    told = lines_of(theatre.process, "changes of keys are not heard")
    assert len(told) >= PROCESSES
    assert not lines_of(theatre.process, "listening for changes of keys broke off")
