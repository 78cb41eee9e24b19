"""Look-ups of keys that are cut short: whoever waits is answered, nothing is left of them, and no old news is kept."""

import asyncio
from collections import deque
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import ApiKeyInvalid, Unavailable
from automation.domain.principal import Principal
from automation.storage.keys import KeyRecord
from security.freshness import Freshness
from security.key_cache import AcceptedKey, KeyCache
from tests.security.directories import Clock, MemoryDirectory


@pytest.fixture
def freshness() -> Freshness:
    return Freshness()


@pytest.fixture
def keys(directory: MemoryDirectory, clock: Clock, freshness: Freshness) -> KeyCache:
    return KeyCache(directory, clock, freshness=freshness)


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def under_way(keys: KeyCache) -> list[asyncio.Task[None]]:
    return list(keys._under_way)


async def ended(keys: KeyCache) -> bool:
    """Say whether nothing is left of any look-up."""
    await let_others_run()
    return not keys._under_way and not keys._flights


@pytest.mark.parametrize("turns", [0, 5], ids=["before its first step", "while it waits"])
async def test_a_look_up_that_is_cancelled_is_a_service_that_is_away(
    keys: KeyCache, directory: MemoryDirectory, clock: Clock, turns: int
) -> None:
    stored = directory.add()
    directory.open.clear()
    asking = asyncio.create_task(keys.look_up(stored.key.digest, clock()))
    await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)

    (task,) = under_way(keys)
    task.cancel()

    with pytest.raises(Unavailable):
        await asyncio.wait_for(asking, 10)
    assert task.cancelled()
    assert await ended(keys)


async def test_who_settles_waits_for_all_look_ups_also_where_one_is_cancelled(
    keys: KeyCache, directory: MemoryDirectory, clock: Clock
) -> None:
    directory.open.clear()
    asking = [asyncio.create_task(keys.look_up(directory.add().key.digest, clock())) for _ in range(2)]
    await let_others_run()
    settling = asyncio.create_task(keys.settle())
    await let_others_run()

    under_way(keys)[0].cancel()
    await let_others_run()
    before = settling.done()
    directory.open.set()
    await settling

    assert not before
    assert [type(each) for each in await asyncio.gather(*asking, return_exceptions=True)].count(Unavailable) == 1


@pytest.mark.parametrize("failure", [None, ApiKeyInvalid()])
async def test_nothing_is_left_of_a_look_up_that_was_answered(
    keys: KeyCache, directory: MemoryDirectory, clock: Clock, failure: Exception | None
) -> None:
    directory.failure = failure
    stored = directory.add()

    await asyncio.gather(keys.look_up(stored.key.digest, clock()), return_exceptions=True)

    assert await ended(keys)
    assert len(keys) == (failure is None)


async def test_a_limited_key_takes_no_place_among_those_that_are_remembered(
    keys: KeyCache, directory: MemoryDirectory, clock: Clock
) -> None:
    assert await keys.look_up(directory.add(usage_limit=3).key.digest, clock()) is None

    assert len(keys) == 0


class SlowDirectory(MemoryDirectory):
    """Answers each look-up when it is told to, with what the test says."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.answers: deque[asyncio.Future[KeyRecord]] = deque()

    async def resolve(self, digest: bytes, tenant: UUID | None, *, count: bool) -> KeyRecord:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]


def known_as(prefix: str) -> KeyRecord:
    return KeyRecord(Principal(uuid4(), uuid4(), frozenset(), prefix), limited=False, expires_in=None)


async def asked(keys: KeyCache, clock: Clock) -> "asyncio.Task[AcceptedKey | None]":
    """Begin a look-up, and return it once it was sent."""
    task = asyncio.create_task(keys.look_up(b"key", clock()))
    await let_others_run()
    return task


async def test_the_answer_that_was_asked_for_last_is_remembered_whichever_comes_last(clock: Clock) -> None:
    directory = SlowDirectory(clock)
    keys = KeyCache(directory, clock)
    early = await asked(keys, clock)
    clock.advance(0.95)
    late = await asked(keys, clock)

    directory.answers[1].set_result(known_as("new"))
    await let_others_run()
    directory.answers[0].set_result(known_as("old"))
    outcomes = await asyncio.gather(early, late)

    assert [each.principal.key_prefix for each in outcomes if each is not None] == ["old", "new"]
    remembered = keys.recall(b"key", clock())
    assert remembered is not None
    assert remembered.principal.key_prefix == "new"


async def test_the_failure_of_an_older_look_up_ends_nobody_elses(clock: Clock) -> None:
    directory = SlowDirectory(clock)
    keys = KeyCache(directory, clock)
    early = await asked(keys, clock)
    clock.advance(0.95)
    late = await asked(keys, clock)

    directory.answers[0].set_exception(Unavailable())
    await let_others_run()
    sharing = asyncio.create_task(keys.look_up(b"key", clock()))
    await let_others_run()
    directory.answers[1].set_result(known_as("new"))

    assert isinstance((await asyncio.gather(early, return_exceptions=True))[0], Unavailable)
    assert await late is await sharing
    assert len(directory.answers) == 2


@pytest.mark.parametrize(("changes", "asked"), [(0, 1), (1, 2), (2, 2)])
async def test_a_look_up_from_before_a_change_is_not_shared_by_who_asks_after_it(
    clock: Clock, freshness: Freshness, changes: int, asked: int
) -> None:
    directory = SlowDirectory(clock)
    keys = KeyCache(directory, clock, freshness=freshness)
    waiting = [asyncio.create_task(keys.look_up(b"key", clock()))]
    await let_others_run()
    for _ in range(changes):
        freshness.changed(None)

    waiting += [asyncio.create_task(keys.look_up(b"key", clock())) for _ in range(2)]
    await let_others_run()
    for answer in directory.answers:
        answer.set_result(known_as("any"))
    await asyncio.gather(*waiting)

    assert len(directory.answers) == asked
