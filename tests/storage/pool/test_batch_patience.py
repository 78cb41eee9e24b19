"""Patience of reads in batches: each waits for what is under way as long as it may, counted from when it was asked."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from automation.storage.pool.batches import Batches
from tests.turns import TurnLoop

PATIENCE = 1.0


class Asking:
    """Reads that are asked for one by one, of a database that answers when the test says so."""

    def __init__(self, loop: TurnLoop, *, size: int = 5) -> None:
        self.loop = loop
        self.sent: list[list[int]] = []
        self._answers: list[asyncio.Event] = []
        self._batches = Batches(self._fetch, self._fetch_alone, statements=1, size=size, patience=PATIENCE)
        self.reads: list[asyncio.Task[int | None]] = []

    async def _fetch(self, keys: Sequence[int]) -> list[int | None]:
        self.sent.append(list(keys))
        self._answers.append(asyncio.Event())
        await self._answers[-1].wait()
        return list(keys)

    async def _fetch_alone(self, key: int, _since: float) -> int | None:
        raise AssertionError(key)

    def ask(self, key: int, *, turns: int = 4) -> None:
        self.reads.append(self.loop.begin(self._batches.read(key)))
        self.loop.turn(turns)

    def answer(self, number: int) -> None:
        self._answers[number].set()
        self.loop.turn(6)

    def pass_to(self, now: float) -> None:
        self.loop.now = now
        self.loop.turn(4)


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


def test_a_read_is_sent_as_soon_as_its_patience_ends(loop: TurnLoop) -> None:
    asking = Asking(loop)
    asking.ask(1)
    asking.ask(2, turns=1)

    asking.pass_to(PATIENCE - 0.1)
    before = list(asking.sent)
    asking.pass_to(PATIENCE)

    assert before == [[1]]
    assert asking.sent == [[1], [2]]


def test_its_patience_begins_in_the_turn_in_which_it_is_asked_for(loop: TurnLoop) -> None:
    asking = Asking(loop)
    asking.ask(1)
    asking.ask(2, turns=1)

    asking.pass_to(PATIENCE)

    assert asking.sent == [[1], [2]]


def test_what_no_statement_had_room_for_waits_no_longer_either(loop: TurnLoop) -> None:
    asking = Asking(loop, size=1)
    asking.ask(1, turns=0)
    asking.ask(2, turns=0)
    loop.turn(4)
    assert asking.sent == [[1]]

    asking.pass_to(PATIENCE)

    assert asking.sent == [[1], [2]]


def test_the_patience_of_who_was_served_is_not_the_next_ones(loop: TurnLoop) -> None:
    asking = Asking(loop)
    asking.ask(1)
    asking.ask(2)
    asking.pass_to(0.5)
    asking.answer(0)
    asking.pass_to(0.6)
    asking.ask(3)

    asking.pass_to(1.1)
    before = list(asking.sent)
    asking.pass_to(1.6)

    assert before == [[1], [2]]
    assert asking.sent == [[1], [2], [3]]


def test_whoever_comes_later_is_sent_with_the_first_whose_patience_ends(loop: TurnLoop) -> None:
    asking = Asking(loop)
    asking.ask(1)
    for now, key in ((0.2, 2), (0.9, 3)):
        asking.pass_to(now)
        asking.ask(key)

    asking.pass_to(1.2)
    asking.pass_to(5.0)

    assert asking.sent == [[1], [2, 3]]
    for number in range(2):
        asking.answer(number)
    assert [read.result() for read in asking.reads] == [1, 2, 3]
