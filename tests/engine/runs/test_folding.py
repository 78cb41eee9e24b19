"""Ends of runs are counted beside them: at once while there are many, else now and then."""

from collections.abc import Iterator
from typing import cast

import pytest

from automation.domain.errors import Unavailable
from automation.engine.runs import folding
from automation.engine.runs.folding import INTERVAL, LIMIT, fold
from automation.storage.due import Due
from tests.turns import TurnLoop


class Ends:
    """Counts as many ends as a test says, and an outage as the database would have one."""

    def __init__(self, *counts: int | Exception) -> None:
        self.counts = list(counts)
        self.asked: list[int] = []

    async def fold(self, limit: int) -> int:
        self.asked.append(limit)
        count = self.counts.pop(0) if self.counts else 0
        if isinstance(count, Exception):
            raise count
        return count


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[TurnLoop]:
    monkeypatch.setattr(folding, "uneven", lambda seconds: seconds)
    made = TurnLoop()
    yield made
    made.discard()


@pytest.mark.parametrize("few", [0, LIMIT - 1, Unavailable()])
def test_where_few_were_counted_the_next_ones_are_looked_for_after_a_while(
    loop: TurnLoop, few: int | Exception
) -> None:
    ends = Ends(few)
    loop.begin(fold(cast("Due", ends)))
    loop.turn(10)
    at_once = len(ends.asked)
    loop.now += INTERVAL
    loop.turn(10)

    assert (at_once, ends.asked) == (1, [LIMIT, LIMIT])


def test_where_many_were_counted_others_run_and_then_the_next_ones_are_counted(loop: TurnLoop) -> None:
    ends = Ends(LIMIT, LIMIT)
    loop.begin(fold(cast("Due", ends)))
    asked = []
    for _ in range(10):
        loop.turn()
        asked.append(len(ends.asked))

    assert max(asked) == 3
    assert {1, 2} < {*asked}
