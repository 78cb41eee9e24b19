"""Event loops are taken for held or hanging in ticks, so that a process that was frozen is not."""

import asyncio
import threading

import pytest

from automation.service.watchdog import Lag, Limits, Verdict, Watchdog

LIMITS = Limits(warn_seconds=1.0, kill_seconds=2.0)
TICKS_TO_WARN = 20
TICKS_TO_KILL = 40


@pytest.fixture
def lag() -> Lag:
    return Lag(LIMITS)


def test_a_loop_that_answers_is_well(lag: Lag) -> None:
    assert [lag.tick(answered=True) for _ in range(100)] == [Verdict.WELL] * 100


def test_a_loop_that_is_held_is_told_once_and_then_ended(lag: Lag) -> None:
    verdicts = [lag.tick(answered=False) for _ in range(TICKS_TO_KILL)]

    assert [number for number, verdict in enumerate(verdicts, 1) if verdict is Verdict.HELD] == [TICKS_TO_WARN]
    assert [number for number, verdict in enumerate(verdicts, 1) if verdict is Verdict.HANGING] == [TICKS_TO_KILL]


def test_a_loop_that_goes_on_is_told_too_and_counted_from_the_beginning(lag: Lag) -> None:
    for _ in range(TICKS_TO_KILL - 1):
        lag.tick(answered=False)

    goes_on = lag.tick(answered=True)
    verdicts = [lag.tick(answered=False) for _ in range(TICKS_TO_WARN)]

    assert goes_on is Verdict.RELEASED
    assert verdicts == [Verdict.SILENT] * (TICKS_TO_WARN - 1) + [Verdict.HELD]


def test_a_loop_that_is_slow_for_a_moment_is_not_told(lag: Lag) -> None:
    verdicts = {lag.tick(answered=number % TICKS_TO_WARN == 0) for number in range(200)}

    assert verdicts == {Verdict.WELL, Verdict.SILENT}


async def test_somebody_is_told_that_a_running_loop_is_well() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        loop.call_soon_threadsafe(told.set)

    with Watchdog(Limits(0.2, 60.0), on_well=tell):
        async with asyncio.timeout(10):
            await told.wait()

    assert told.is_set()


def test_a_loop_that_was_closed_is_not_watched_any_more() -> None:
    before = set(threading.enumerate())

    async def leave_it_on() -> None:
        Watchdog(Limits(0.2, 60.0)).start()

    asyncio.run(leave_it_on())
    (watching,) = set(threading.enumerate()) - before
    watching.join(10)

    assert not watching.is_alive()
