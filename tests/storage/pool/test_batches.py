"""Reads that are asked for at the same time, joined and kept apart; no database is needed for that."""

import asyncio
import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Literal

import pytest

from automation.domain.errors import Unavailable
from automation.storage.pool.batches import ALONE, Alone, Batches


class Shelf:
    """Answers with each key's square, when it is let; remembers what it was asked for together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.asked_again = asyncio.Event()

    async def fetch(self, keys: Sequence[int]) -> list[int | None]:
        self.asked.append(list(keys))
        if len(self.asked) > 1:
            self.asked_again.set()
        await self.open.wait()
        if 13 in keys:
            raise ValueError("13")
        return [None if key < 0 else key * key for key in keys]

    async def fetch_alone(self, key: int, _since: float) -> int | None:
        return (await self.fetch([key]))[0]


class Crowded:
    """Leaves one key to a statement of its own, and takes too long for another; ``open`` has the former answered."""

    LARGE, SLOW = 6, 7

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.alone: list[int] = []
        self.since: list[float] = []
        self.open = asyncio.Event()
        self.open.set()

    async def fetch(self, keys: Sequence[int]) -> list[int | Literal[Alone.ALONE] | None]:
        self.together.append(list(keys))
        self._hesitate(*keys)
        return [ALONE if key == self.LARGE else key * key for key in keys]

    async def fetch_alone(self, key: int, since: float) -> int | None:
        self.alone.append(key)
        self.since.append(since)
        self._hesitate(key)
        await self.open.wait()
        return key * key

    def _hesitate(self, *keys: int) -> None:
        if self.SLOW in keys:
            error = Unavailable()
            error.timed_out = True
            raise error


async def test_reads_that_are_asked_for_together_are_one_statement() -> None:
    shelf = Shelf()
    batches = Batches(shelf.fetch, shelf.fetch_alone)

    values = await asyncio.gather(*(batches.read(key) for key in (3, -1, 2, 3)))

    assert values == [9, None, 4, 9]
    assert shelf.asked == [[3, -1, 2, 3]]


async def test_a_read_does_not_wait_for_others_to_come() -> None:
    shelf = Shelf()
    shelf.open.clear()
    batches = Batches(shelf.fetch, shelf.fetch_alone, statements=2)

    reads = await _one_after_another(batches, 1, 2)
    asked = list(shelf.asked)
    shelf.open.set()

    assert asked == [[1], [2]]
    assert await asyncio.gather(*reads) == [1, 4]


async def test_what_is_asked_for_while_statements_are_under_way_goes_together_with_the_next() -> None:
    shelf = Shelf()
    shelf.open.clear()
    batches = Batches(shelf.fetch, shelf.fetch_alone, statements=1, patience=3600)

    reads = await _one_after_another(batches, 1, 2, 3)
    shelf.open.set()
    await _turns()

    assert shelf.asked == [[1], [2, 3]]
    assert await asyncio.gather(*reads) == [1, 4, 9]


async def test_statements_that_take_long_hold_nobody_up() -> None:
    shelf = Shelf()
    shelf.open.clear()
    batches = Batches(shelf.fetch, shelf.fetch_alone, statements=1)
    stuck = asyncio.create_task(batches.read(1))
    await _turns()

    others = [asyncio.create_task(batches.read(key)) for key in (2, 3)]
    async with asyncio.timeout(10):
        await shelf.asked_again.wait()
    shelf.open.set()

    assert shelf.asked == [[1], [2, 3]]
    assert await asyncio.gather(stuck, *others) == [1, 4, 9]


async def test_a_statement_has_no_more_reads_than_it_may() -> None:
    shelf = Shelf()
    batches = Batches(shelf.fetch, shelf.fetch_alone, statements=1, size=2)

    values = await asyncio.gather(*(batches.read(key) for key in range(5)))

    assert values == [0, 1, 4, 9, 16]
    assert shelf.asked == [[0, 1], [2, 3], [4]]


async def test_a_fault_of_one_read_is_not_its_neighbours() -> None:
    shelf = Shelf()
    batches = Batches(shelf.fetch, shelf.fetch_alone)

    values = await asyncio.gather(*(batches.read(key) for key in (2, 13, 3)), return_exceptions=True)

    assert (values[0], values[2]) == (4, 9)
    assert isinstance(values[1], ValueError)


async def test_an_outage_is_everyones_and_is_not_tried_once_more() -> None:
    asked = []

    async def fetch(keys: Sequence[int]) -> list[int | None]:
        asked.append(keys)
        raise Unavailable

    batches = Batches(fetch, _never)

    outcomes = await asyncio.gather(*(batches.read(key) for key in (1, 2)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert len(asked) == 1


async def test_whoever_gives_up_leaves_the_others_their_answers() -> None:
    shelf = Shelf()
    shelf.open.clear()
    batches = Batches(shelf.fetch, shelf.fetch_alone)
    impatient, patient = (asyncio.create_task(batches.read(key)) for key in (1, 2))
    await _turns()

    impatient.cancel()
    shelf.open.set()

    assert await patient == 4
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_what_nobody_waits_for_any_more_is_not_asked_for() -> None:
    shelf = Shelf()
    shelf.open.clear()
    batches = Batches(shelf.fetch, shelf.fetch_alone, statements=1)
    reads = await _one_after_another(batches, 1, 2, 3)

    reads[1].cancel()
    shelf.open.set()

    outcomes = await asyncio.gather(*reads, return_exceptions=True)

    assert (outcomes[0], outcomes[2]) == (1, 9)
    assert shelf.asked == [[1], [3]]


async def test_reads_whose_statement_failed_are_asked_for_again_all_at_once() -> None:
    under_way = most = 0

    async def fetch(keys: Sequence[int]) -> list[int | None]:
        raise ValueError(str(keys))

    async def fetch_alone(key: int, _since: float) -> int | None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await _turns()
        under_way -= 1
        raise ValueError(str(key))

    batches = Batches(fetch, fetch_alone)
    outcomes = await asyncio.gather(*(batches.read(key) for key in range(8)), return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == [str(key) for key in range(8)]
    assert most == 8


async def test_reads_whose_statement_took_too_long_are_asked_for_alone_and_one_may_take_too_long_again() -> None:
    shelf = Crowded()
    batches = Batches(shelf.fetch, shelf.fetch_alone)

    outcomes = await asyncio.gather(*(batches.read(key) for key in (1, 2, Crowded.SLOW)), return_exceptions=True)

    assert outcomes[:2] == [1, 4]
    assert isinstance(outcomes[2], Unavailable)
    assert (shelf.together, shelf.alone) == ([[1, 2, Crowded.SLOW]], [1, 2, Crowded.SLOW])


async def test_a_read_alone_that_took_too_long_is_not_asked_for_again() -> None:
    shelf = Crowded()
    batches = Batches(shelf.fetch, shelf.fetch_alone)

    with pytest.raises(Unavailable):
        await batches.read(Crowded.SLOW)

    assert (shelf.together, shelf.alone) == ([[Crowded.SLOW]], [])


async def test_what_is_asked_for_alone_is_told_since_when_it_is_waited_for() -> None:
    shelf = Crowded()
    batches = Batches(shelf.fetch, shelf.fetch_alone)
    before = time.monotonic()

    await asyncio.gather(*(batches.read(key) for key in (1, Crowded.LARGE)))

    assert all(before <= since <= time.monotonic() for since in shelf.since)


async def test_what_a_batch_leaves_to_a_statement_of_its_own_is_fetched_alone_and_holds_up_nobody() -> None:
    shelf = Crowded()
    shelf.open.clear()
    batches = Batches(shelf.fetch, shelf.fetch_alone, statements=1)
    small, large = (asyncio.create_task(batches.read(key)) for key in (1, Crowded.LARGE))
    await _turns()
    later = asyncio.create_task(batches.read(2))

    assert (await small, await later) == (1, 4)
    assert not large.done()
    shelf.open.set()

    assert await large == Crowded.LARGE**2
    assert (shelf.together, shelf.alone) == ([[1, Crowded.LARGE], [2]], [Crowded.LARGE])


async def test_a_cancelled_statement_of_its_own_is_an_outage_to_who_waits_for_it() -> None:
    async def fetch_alone(_key: int, _since: float) -> int | None:
        raise asyncio.CancelledError

    batches = Batches(Crowded().fetch, fetch_alone)

    with pytest.raises(Unavailable):
        await batches.read(Crowded.LARGE)


async def test_values_that_are_missing_are_a_fault_and_never_a_hang() -> None:
    async def fetch(_keys: Sequence[int]) -> list[int | None]:
        return []

    async def fetch_alone(_key: int, _since: float) -> int | None:
        raise ValueError

    batches = Batches(fetch, fetch_alone)
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*(batches.read(key) for key in (1, 2)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [ValueError] * 2


async def test_a_cancelled_statement_is_an_outage_to_those_who_wait_for_it() -> None:
    async def fetch(_keys: Sequence[int]) -> list[int | None]:
        raise asyncio.CancelledError

    batches = Batches(fetch, _never)
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*(batches.read(key) for key in (1, 2)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2


async def test_a_statement_is_sent_in_nobodys_context() -> None:
    request = ContextVar("request", default="none")
    seen = []

    async def fetch(keys: Sequence[int]) -> list[int | None]:
        seen.append(request.get())
        return list(keys)

    request.set("first")
    await Batches(fetch, _never).read(1)

    assert seen == ["none"]


async def test_reading_goes_on_after_a_fault() -> None:
    shelf = Shelf()
    batches = Batches(shelf.fetch, shelf.fetch_alone, statements=1)
    with pytest.raises(ValueError, match="13"):
        await batches.read(13)

    assert await batches.read(4) == 16


async def _one_after_another(batches: Batches[int, int], *keys: int) -> list[asyncio.Task[int | None]]:
    """Ask for keys, each when the one before has been on its way."""
    reads = []
    for key in keys:
        reads.append(asyncio.create_task(batches.read(key)))
        await _turns()
    return reads


async def _never(_key: int, _since: float) -> int | None:
    raise AssertionError("nothing is asked for alone here")


async def _turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)
