"""The sweeper's loop: it rests between two sweeps, and lets others run where it doesn't."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from automation.domain.errors import Unavailable
from automation.engine.runs.sweeper import INTERVAL, LIMIT, sweep
from tests.turns import TurnLoop


class Finder:
    """What is due, told at once, as no database does: whatever is awaited here is done already."""

    def __init__(self, found: int, *, expired: int = 0) -> None:
        self.found = found
        self.expired = expired
        self.sweeps = 0

    async def expire(self, limit: int) -> int:
        return self.expired

    async def sweep(self, limit: int) -> list[tuple[UUID, UUID, int]]:
        self.sweeps += 1
        if self.found < 0:
            raise Unavailable
        return [(uuid4(), uuid4(), 1)] * self.found


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    loop = TurnLoop()
    yield loop
    loop.discard()


@pytest.mark.parametrize("finder", [Finder(LIMIT), Finder(0, expired=LIMIT)], ids=["due", "expired"])
def test_a_sweep_that_finds_more_than_it_may_take_goes_on_at_once_and_lets_others_run(
    loop: TurnLoop, finder: Finder
) -> None:
    loop.begin(sweep(finder))  # type: ignore[arg-type]  # no database answers that soon
    loop.turn(5)

    assert finder.sweeps == 5


@pytest.mark.parametrize("found", [0, LIMIT - 1, -1])
def test_a_sweep_that_finds_all_or_fails_is_followed_by_a_rest(loop: TurnLoop, found: int) -> None:
    finder = Finder(found)

    loop.begin(sweep(finder))  # type: ignore[arg-type]  # no database answers that soon
    loop.turn(5)
    early = finder.sweeps
    loop.now += INTERVAL
    loop.turn(5)

    assert early == 1
    assert finder.sweeps == 2


def test_an_outage_is_told_once_however_many_sweeps_fail_in_it(loop: TurnLoop) -> None:
    finder = Finder(-1)

    with capture_logs() as told:
        loop.begin(sweep(finder))  # type: ignore[arg-type]  # no database answers that soon
        loop.turn(5)
        at_first = len(told)
        for found in (-1, -1, 0, -1):
            loop.turn(5)
            finder.found = found
            loop.now += INTERVAL
        loop.turn(5)

    assert (finder.sweeps, at_first) == (5, 1)
    assert [line["event"] for line in told] == ["sweep failed"] * 2
