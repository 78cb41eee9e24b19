"""Periodic work: once in each period, and once more at the end, which comes at once."""

import asyncio
from collections.abc import Iterator

import pytest

from automation.storage.pool.periodic import Periodic, rest, uneven
from tests.turns import TurnLoop

PERIOD = 10.0


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


class Work:
    """What is done periodically: it notes when, and takes as long as the test says."""

    def __init__(self, loop: TurnLoop) -> None:
        self.loop = loop
        self.done: list[float] = []
        self.begun = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.periodic = Periodic(self, PERIOD)

    async def __call__(self) -> None:
        self.begun += 1
        await self.may_end.wait()
        self.done.append(self.loop.now)

    def start(self) -> None:
        async def start() -> None:
            self.periodic.start()

        self.loop.begin(start())
        self.loop.turn(5)

    def pass_to(self, now: float) -> None:
        self.loop.now = now
        self.loop.turn(8)


def test_it_is_done_once_in_each_period(loop: TurnLoop) -> None:
    work = Work(loop)
    work.start()

    for now in (9.9, 10.0, 19.9, 20.0, 25.0):
        work.pass_to(now)

    assert work.done == [10.0, 20.0]


def test_the_end_is_at_once_and_it_is_done_for_the_last_time(loop: TurnLoop) -> None:
    work = Work(loop)
    work.start()
    work.pass_to(4.0)

    stopping = loop.begin(work.periodic.stop())
    loop.turn(8)
    assert stopping.done()
    assert stopping.exception() is None
    done = list(work.done)
    work.pass_to(50.0)

    assert done == [4.0, 4.0], "what is in the background ends with it as well"
    assert work.done == done


def test_the_end_waits_for_what_is_being_done(loop: TurnLoop) -> None:
    work = Work(loop)
    work.start()
    work.may_end.clear()
    work.pass_to(10.0)

    stopping = loop.begin(work.periodic.stop())
    loop.turn(8)
    assert (stopping.done(), work.begun) == (False, 1)
    work.may_end.set()
    loop.turn(8)

    assert stopping.done()
    assert work.done == [10.0, 10.0]


def test_it_may_begin_anew_and_end_without_having_begun(loop: TurnLoop) -> None:
    work = Work(loop)
    for _ in range(2):
        loop.begin(work.periodic.stop())
        loop.turn(8)
    assert work.done == [0.0, 0.0]

    work.start()
    work.pass_to(10.0)
    loop.begin(work.periodic.stop())
    loop.turn(8)
    work.start()
    work.pass_to(20.0)

    assert work.done == [0.0, 0.0, 10.0, 10.0, 10.0, 20.0]


@pytest.mark.parametrize(("woken", "ends"), [(None, 3.0), (1.0, 1.0)])
def test_a_rest_ends_with_its_time_or_with_an_event(loop: TurnLoop, woken: float | None, ends: float) -> None:
    event = asyncio.Event()
    resting = loop.begin(rest(3.0, event))
    ended: list[float] = []
    for now in (0.0, 0.9, 1.0, 2.9, 3.0):
        if now == woken:
            event.set()
        loop.now = now
        loop.turn(6)
        if resting.done():
            ended.append(now)

    assert ended[0] == ends
    assert resting.exception() is None


def test_what_is_uneven_is_a_little_less(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, float]] = []

    def chance(least: float, most: float) -> float:
        asked.append((least, most))
        return 0.8

    monkeypatch.setattr("random.uniform", chance)

    assert uneven(10.0) == 8.0
    assert asked == [(0.75, 1.0)]
