"""A round of retention: tenants in turn, a rest after each batch, and nothing where another worker is at it."""

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from automation.domain.errors import Unavailable
from automation.domain.retention import DEFAULTS, Kept
from automation.engine.runs import retention
from automation.engine.runs.retention import (
    ANSWERS_INTERVAL,
    ANSWERS_LIMIT,
    INTERVAL,
    LEAST_REST,
    REST,
    TENANTS,
    go_round,
    keep,
    keep_answers,
)
from automation.storage.retention import Batch, Place, TenantRetention
from tests.turns import TurnLoop

ONE, TWO = UUID(int=1), UUID(int=2)


class Shelf:
    """What tenants keep, told at once: how many batches each has to remove. Every batch takes a second."""

    def __init__(self, loop: TurnLoop, batches: dict[UUID, int], *, busy: bool = False) -> None:
        self.loop = loop
        self.batches = batches
        self.busy = busy
        self.away = False
        self.asked: list[UUID] = []

    async def tenants(self, after: UUID, limit: int) -> list[TenantRetention]:
        if self.away:
            raise Unavailable
        assert limit == TENANTS
        own = {Kept.COMPLETED: 1, Kept.AUDIT_EVENTS: None}
        return [TenantRetention(tenant, own) for tenant in sorted(self.batches) if tenant > after]

    async def prune(self, tenant: UUID, kept: Kept, days: int, place: Place) -> Batch | None:
        assert (kept, days) == (Kept.COMPLETED, 1)
        self.asked.append(tenant)
        if self.busy:
            return None
        if not self.batches[tenant]:
            return Batch(0, None)
        self.batches[tenant] -= 1
        return Batch(500, Place(place.at, UUID(int=place.id.int + 1)))


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    loop = TurnLoop()
    yield loop
    loop.discard()


def until_done(loop: TurnLoop, shelf: Shelf) -> Counter[Kept]:
    """Go round to the end."""
    task = loop.begin(go_round(shelf, DEFAULTS))  # type: ignore[arg-type]  # no database answers that soon
    for _ in range(50):
        loop.turn(3)
        loop.now += 10
    return task.result()


def test_a_tenant_with_much_to_remove_takes_turns_with_the_others(loop: TurnLoop) -> None:
    shelf = Shelf(loop, {ONE: 3, TWO: 1})

    removed = until_done(loop, shelf)

    assert shelf.asked == [ONE, TWO, ONE, TWO, ONE, ONE]
    assert removed == {Kept.COMPLETED: 2000}


def test_what_another_worker_is_at_is_left_to_it(loop: TurnLoop) -> None:
    shelf = Shelf(loop, {ONE: 3, TWO: 1}, busy=True)

    removed = until_done(loop, shelf)

    assert shelf.asked == [ONE]
    assert removed == Counter()


def test_after_a_batch_there_is_a_rest(loop: TurnLoop) -> None:
    shelf = Shelf(loop, {ONE: 3})

    loop.begin(go_round(shelf, DEFAULTS))  # type: ignore[arg-type]  # the same
    loop.turn(10)

    assert shelf.asked == [ONE]


@pytest.mark.parametrize(("batches", "seconds", "rest"), [(3, 4, 4 * REST), (3, 0, LEAST_REST), (0, 4, 4 * REST)])
def test_the_rest_is_so_many_times_as_long_as_the_batch_took(
    loop: TurnLoop, monkeypatch: pytest.MonkeyPatch, batches: int, seconds: int, rest: float
) -> None:
    shelf = Shelf(loop, {ONE: batches, TWO: batches})
    clock = iter(range(0, 1000, seconds) if seconds else [0] * 1000)
    monkeypatch.setattr(retention, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    loop.begin(go_round(shelf, DEFAULTS))  # type: ignore[arg-type]  # the same
    loop.turn(10)
    loop.now += rest * 15 / 16
    loop.turn(10)
    early = [*shelf.asked]
    loop.now += rest / 16
    loop.turn(10)

    assert (early, shelf.asked) == ([ONE], [ONE, TWO])


def test_after_a_look_that_found_nothing_at_once_the_next_tenant_follows(
    loop: TurnLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(loop, {ONE: 0, TWO: 0})
    monkeypatch.setattr(retention, "time", SimpleNamespace(monotonic=lambda: 0.0))

    loop.begin(go_round(shelf, DEFAULTS))  # type: ignore[arg-type]  # the same
    loop.turn(10)

    assert shelf.asked == [ONE, TWO]


def test_rounds_go_on_after_an_outage(loop: TurnLoop) -> None:
    shelf = Shelf(loop, {ONE: 1})
    shelf.away = True

    with capture_logs() as told:
        loop.begin(keep(shelf, DEFAULTS))  # type: ignore[arg-type]  # the same
        loop.turn(5)
        shelf.away = False
        for _ in range(5):
            loop.now += INTERVAL
            loop.turn(5)

    assert [line["event"] for line in told] == ["retention is put off", "retention"]
    assert told[1]["completed"] == 500


@pytest.mark.parametrize(("removed", "times"), [(0, 1), (ANSWERS_LIMIT, 5), (-1, 1)])
@pytest.mark.parametrize("of_events", [False, True])
def test_answers_go_batch_by_batch_until_none_is_over(
    loop: TurnLoop, removed: int, times: int, *, of_events: bool
) -> None:
    class Answers:
        asked = 0

        async def prune(self, limit: int) -> int:
            self.asked += 1
            return self._removed(limit, there_are=not of_events)

        async def prune_events(self, limit: int) -> int:
            return self._removed(limit, there_are=of_events)

        def _removed(self, limit: int, *, there_are: bool) -> int:
            if removed < 0:
                raise Unavailable
            return min(removed, limit) if there_are else 0

    answers = Answers()
    loop.begin(keep_answers(answers))  # type: ignore[arg-type]  # the same
    for _ in range(5):
        loop.turn(3)
        loop.now += ANSWERS_INTERVAL / 20

    assert answers.asked == times
