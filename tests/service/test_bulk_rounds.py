"""Rounds of bulk operations: how large each batch is, how long is rested after it, and which ones wait for others."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from automation.domain.bulk_operations import BulkFailure
from automation.domain.errors import Unavailable
from automation.service import bulk_rounds
from automation.service.bulk_rounds import INTERVAL, LONG, MOST, PRUNE_INTERVAL, PRUNE_LIMIT, REST, BulkRounds
from automation.storage.bulk_work import LONGEST, NoRoom

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Operation:
    """As much of an operation as is asked for."""

    allowed: bool = True
    created_at: datetime = NOW
    bulk_operation_id: UUID = field(default_factory=uuid4)


class Clock:
    """A clock that the test moves, of both kinds."""

    def __init__(self) -> None:
        self.seconds = 1024.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self, _zone: object) -> datetime:
        return NOW


class Work:
    """What there is to do, in a store that takes so many seconds for a batch, and answers or raises what it is told."""

    def __init__(self, clock: Clock, *operations: Operation) -> None:
        self.clock = clock
        self.operations = list(operations)
        self.seconds = 0.25
        self.answers: list[int | Exception | None] = []
        self.asked: list[int] = []
        self.done: list[object] = []
        self.pruned: list[int] = []

    async def next(self) -> Operation | None:
        self.clock.seconds += 0.0625
        if self.operations:
            self.operations.append(self.operations.pop(0))
        return self.operations[-1] if self.operations else None

    async def batch(self, _operation: Operation, most: int) -> int | None:
        self.asked.append(most)
        self.clock.seconds += self.seconds
        answer = self.answers.pop(0) if self.answers else most
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def put_off(self, operation: Operation) -> None:
        self.done.append(operation)

    async def fail(self, _operation: Operation, failure: BulkFailure) -> None:
        self.clock.seconds += self.seconds
        self.done.append(failure)

    async def prune(self, most: int) -> int:
        assert most == PRUNE_LIMIT
        self.pruned.append(int(self.clock.seconds))
        return self.answers.pop(0) if self.answers else 0  # type: ignore[return-value]  # a number, here


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(bulk_rounds, "time", moved)
    monkeypatch.setattr(bulk_rounds, "datetime", moved)
    monkeypatch.setattr(bulk_rounds, "uneven", lambda seconds: seconds)
    return moved


def rounds_of(work: Work) -> BulkRounds:
    return BulkRounds(work)  # type: ignore[arg-type]  # as much of a store as is asked


async def sizes(work: Work, turns: int) -> list[int]:
    """Return how many executions each batch asked for, in so many turns."""
    rounds = rounds_of(work)
    for _ in range(turns):
        await rounds.turn()
    return work.asked


@pytest.mark.parametrize(("seconds", "next_one"), [(LONG, MOST), (LONG + 0.25, MOST // 2)])
async def test_a_batch_that_takes_long_is_followed_by_one_half_as_large(
    clock: Clock, seconds: float, next_one: int
) -> None:
    work = Work(clock, Operation())
    work.seconds = seconds

    assert await sizes(work, 2) == [MOST, next_one]


async def test_batches_shrink_to_one_and_grow_again_to_the_most(clock: Clock) -> None:
    work = Work(clock, Operation())
    work.seconds = LONG + 1
    rounds = rounds_of(work)
    for _ in range(9):
        await rounds.turn()
    work.seconds = LONG
    for _ in range(10):
        await rounds.turn()

    assert work.asked == [200, 100, 50, 25, 12, 6, 3, 1, 1, 1, 2, 4, 8, 16, 32, 64, 128, 200, 200]


async def test_where_all_was_looked_at_the_next_one_begins_as_usual(clock: Clock) -> None:
    work = Work(clock, Operation())
    work.seconds = LONG + 1
    work.answers = [MOST, MOST // 2 - 1]
    rounds = rounds_of(work)
    known = []
    for _ in range(2):
        await rounds.turn()
        known.append(len(rounds._most))
    await rounds.turn()

    assert work.asked == [MOST, MOST // 2, MOST]
    assert known == [1, 0], "what gets on as it should is not remembered"


async def test_each_operation_has_batches_of_its_own_size(clock: Clock) -> None:
    work = Work(clock, Operation(), Operation())
    work.answers = [NoRoom()]

    assert await sizes(work, 4) == [MOST, MOST, MOST // 2, MOST]


@pytest.mark.parametrize("looked_at", [MOST, MOST - 1, 0])
async def test_a_batch_is_followed_by_a_rest_of_three_times_its_time(clock: Clock, looked_at: int) -> None:
    work = Work(clock, Operation())
    work.seconds = 10
    work.answers = [looked_at]

    assert await rounds_of(work).turn() == REST * 10.0625


@pytest.mark.parametrize(("seconds", "rest"), [(0.25, REST * 0.3125), (10, INTERVAL)])
async def test_one_that_did_not_get_on_is_no_reason_to_rest_for_long(clock: Clock, seconds: float, rest: float) -> None:
    work = Work(clock, Operation())
    work.seconds = seconds
    work.answers = [NoRoom()]

    assert await rounds_of(work).turn() == rest
    assert work.done == work.operations


@pytest.mark.parametrize("operations", [[], [Operation()]])
async def test_where_nothing_is_to_do_or_another_does_it_the_next_look_is_later(
    clock: Clock, operations: list[Operation]
) -> None:
    work = Work(clock, *operations)
    work.answers = [None]

    assert await rounds_of(work).turn() == INTERVAL
    assert work.done == []


@pytest.mark.parametrize(
    ("operation", "ended"),
    [
        (Operation(allowed=False), [BulkFailure.PERMISSION_REVOKED]),
        (Operation(created_at=NOW - LONGEST - timedelta(microseconds=1)), [BulkFailure.EXPIRED]),
        (Operation(created_at=NOW - LONGEST), []),
    ],
)
async def test_what_may_not_go_on_is_ended_without_a_batch(
    clock: Clock, operation: Operation, ended: list[BulkFailure]
) -> None:
    work = Work(clock, operation)
    work.seconds = 10

    rest = await rounds_of(work).turn()

    assert work.done == ended
    assert work.asked == ([] if ended else [MOST])
    assert rest == REST * 10.0625


async def test_one_that_breaks_off_is_ended_and_its_size_forgotten(clock: Clock) -> None:
    work = Work(clock, Operation())
    work.seconds = 10
    work.answers = [MOST, RuntimeError("what nobody foresaw")]
    rounds = rounds_of(work)

    rests = [await rounds.turn() for _ in range(3)]

    assert work.done == [BulkFailure.INTERNAL_ERROR]
    assert work.asked == [MOST, MOST // 2, MOST]
    assert rests == [REST * 10.0625, REST * 20.0625, REST * 10.0625]


async def test_where_none_gets_on_all_are_left_alone_for_a_while_and_then_tried_again(clock: Clock) -> None:
    work = Work(clock, Operation(), Operation())
    work.answers = [Unavailable(), Unavailable(), Unavailable()]
    work.seconds = 0
    rounds = rounds_of(work)

    rests = [await rounds.turn() for _ in range(4)]

    assert rests == [REST * 0.0625, REST * 0.0625, INTERVAL, REST * 0.0625]
    assert work.asked == [MOST, MOST, MOST // 2]


async def test_once_one_gets_on_those_that_did_not_are_tried_again(clock: Clock) -> None:
    work = Work(clock, Operation(), Operation())
    work.answers = [Unavailable(), MOST]
    rounds = rounds_of(work)
    for _ in range(3):
        await rounds.turn()

    assert work.asked == [MOST, MOST, MOST // 2]


async def test_one_without_room_is_left_alone_only_where_there_is_none_for_a_single_one(clock: Clock) -> None:
    work = Work(clock, Operation())
    work.answers = [NoRoom()] * 9
    rounds = rounds_of(work)

    rests = [await rounds.turn() for _ in range(9)]

    assert work.asked == [200, 100, 50, 25, 12, 6, 3, 1]
    assert rests == [REST * 0.3125] * 8 + [INTERVAL]


async def test_no_more_are_remembered_as_stuck_than_there_may_be(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_rounds, "KNOWN", 2)
    work = Work(clock, *(Operation() for _ in range(4)))
    work.answers = [Unavailable(), Unavailable(), Unavailable()]
    rounds = rounds_of(work)

    for _ in range(4):
        await rounds.turn()

    assert [each in work.done for each in work.operations] == [True, True, False, True]


async def test_what_is_over_is_looked_for_once_in_a_while_and_until_all_of_it_is_gone(clock: Clock) -> None:
    work = Work(clock)
    rounds = rounds_of(work)
    began = clock.seconds
    for seconds in (0.0, PRUNE_INTERVAL - 1, PRUNE_INTERVAL, PRUNE_INTERVAL + 1, 2 * PRUNE_INTERVAL - 1):
        clock.seconds = began + seconds - 0.0625
        work.answers = [PRUNE_LIMIT if seconds == PRUNE_INTERVAL else PRUNE_LIMIT - 1]
        await rounds.turn()

    assert work.pruned == [began + PRUNE_INTERVAL, began + PRUNE_INTERVAL + 1]


async def test_it_goes_on_until_it_is_stopped_and_an_outage_is_waited_out(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    rested = asyncio.Event()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 3:
            rested.set()
            await asyncio.Event().wait()
        await sleep(0)

    work = Work(clock, Operation())
    answers: list[Any] = [Unavailable(), None]

    async def away() -> Operation:
        if answers and answers.pop(0) is not None:
            raise Unavailable
        return work.operations[0]

    monkeypatch.setattr(work, "next", away)
    monkeypatch.setattr(asyncio, "sleep", rest)
    rounds = rounds_of(work)

    rounds.start()
    await asyncio.wait_for(rested.wait(), 10)
    task = rounds._task
    await rounds.stop()

    assert rests == [INTERVAL, REST * 0.25, REST * 0.25]
    assert task is not None
    assert task.cancelled()


async def test_one_that_never_began_is_stopped_as_well(clock: Clock) -> None:
    await rounds_of(Work(clock)).stop()
