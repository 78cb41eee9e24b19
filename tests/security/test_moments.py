"""Moments at which something ends: from that very moment on it is over, and just before it is not."""

import asyncio

import pytest

from automation.domain.errors import ApiKeyInvalid, RateLimited, TooManyRefusedKeys
from automation.domain.limits import Limit
from security.authenticator import Authenticator
from security.key_usage import INTERVAL
from security.rate_limits import RateLimits
from security.refused_keys import RefusedKeys
from tests.security.directories import Clock, MemoryDirectory
from tests.security.windows import MemoryWindows

QUOTA = 6400


@pytest.fixture
def windows() -> MemoryWindows:
    return MemoryWindows()


@pytest.fixture
def limited(directory: MemoryDirectory, windows: MemoryWindows, clock: Clock) -> Authenticator:
    rates = RateLimits(windows, {Limit.REQUESTS_PER_MINUTE: QUOTA}, clock=clock)
    return Authenticator(directory, clock=clock, rates=rates)


@pytest.mark.parametrize(("waited", "asked"), [(0.875, 1), (0.9, 2)])
async def test_a_look_up_is_shared_until_its_answer_would_be_too_old(
    directory: MemoryDirectory, authenticator: Authenticator, clock: Clock, waited: float, asked: int
) -> None:
    key = directory.add().key.plaintext
    directory.open.clear()
    early = asyncio.create_task(authenticator.resolve(key, None))
    await asyncio.sleep(0)

    clock.advance(waited)
    late = asyncio.create_task(authenticator.resolve(key, None))
    await asyncio.sleep(0)
    directory.open.set()
    await asyncio.gather(early, late)

    assert len(directory.lookups) == asked


@pytest.mark.parametrize(("waited", "written"), [(INTERVAL - 0.5, 1), (INTERVAL, 2)])
async def test_a_use_is_noted_again_from_a_minute_after_the_last_one_on(
    directory: MemoryDirectory, authenticator: Authenticator, clock: Clock, waited: float, written: int
) -> None:
    key = directory.add().key.plaintext
    for _ in range(2):
        await authenticator.resolve(key, None)
        await authenticator._usage.flush()
        clock.advance(waited)

    await authenticator.resolve(key, None)
    await authenticator._usage.flush()

    assert len(directory.touched) == 1 + written


@pytest.mark.parametrize(("waited", "leases"), [(59.5, 1), (60.0, 2)])
async def test_what_is_left_of_a_lease_ends_with_its_minute(
    limited: Authenticator,
    directory: MemoryDirectory,
    windows: MemoryWindows,
    clock: Clock,
    *,
    waited: float,
    leases: int,
) -> None:
    stored = directory.add()
    await limited.resolve(stored.key.plaintext, None)

    clock.advance(waited)
    principal = await limited.resolve(stored.key.plaintext, None)

    assert len(windows.asked) == leases
    assert [each.left for each in principal.allowances] == [windows.asked[-1] - (3 - leases)]


async def test_a_request_takes_one_of_a_lease_whether_or_not_it_waited_for_it(
    limited: Authenticator, directory: MemoryDirectory
) -> None:
    stored = directory.add()

    left = [(await limited.resolve(stored.key.plaintext, None)).allowances[0].left for _ in range(10)]

    assert left == [7, 6, 5, 4, 3, 2, 1, 0, left[8], left[8] - 1]


@pytest.mark.parametrize(("seconds", "after"), [(0.25, "1"), (1.0, "1"), (1.25, "2"), (59.5, "60")])
async def test_whoever_is_refused_is_told_to_come_back_when_the_minute_is_over_and_no_earlier(
    directory: MemoryDirectory, windows: MemoryWindows, clock: Clock, seconds: float, after: str
) -> None:
    rates = RateLimits(windows, {Limit.REQUESTS_PER_MINUTE: 0}, clock=clock)
    refused = RefusedKeys(0, clock=clock, held_seconds=0)
    with pytest.raises(TooManyRefusedKeys):
        await refused.count("192.0.2.1", ApiKeyInvalid(), None)
    clock.advance(60 - seconds)
    windows.seconds = seconds

    with pytest.raises(TooManyRefusedKeys) as by_address:
        await refused.count("192.0.2.1", ApiKeyInvalid(), None)
    with pytest.raises(RateLimited) as by_limit:
        await Authenticator(directory, clock=clock, rates=rates).resolve(directory.add().key.plaintext, None)

    assert by_address.value.headers["Retry-After"] == by_limit.value.headers["Retry-After"] == after
    refused.stop()


async def test_a_minute_of_refusals_ends_sixty_seconds_after_its_first(clock: Clock) -> None:
    refused = RefusedKeys(1, clock=clock, held_seconds=0)

    async def is_too_much(after: float) -> bool:
        clock.advance(after)
        try:
            await refused.count("192.0.2.1", ApiKeyInvalid(), None)
        except TooManyRefusedKeys:
            return True
        return False

    assert [await is_too_much(after) for after in (0, 59.5, 0.5, 0, 59.5, 0.5)] == [
        *(False, True),
        *(False, True, True, False),
    ]
    refused.stop()
