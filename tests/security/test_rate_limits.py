"""Requests with a key are counted against its tenant's limit and its own, without a query for each."""

import asyncio
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import RateLimited, Unavailable
from automation.domain.principal import Principal
from automation.storage.keys import KeyRecord
from security.authenticator import Authenticator
from security.rate_limits import RateLimits
from tests.security.directories import Clock, MemoryDirectory, StoredKey
from tests.security.windows import QUOTA, MemoryWindows


@pytest.fixture
def limited(directory: MemoryDirectory, rates: RateLimits, clock: Clock) -> Authenticator:
    return Authenticator(directory, clock=clock, rates=rates)


def record(tenant: UUID, prefix: str = "ak_12345678", **quotas: int) -> KeyRecord:
    return KeyRecord(Principal(tenant, uuid4(), frozenset(), prefix), limited=False, expires_in=None, **quotas)


async def let_in(limited: Authenticator, stored: StoredKey, times: int) -> int:
    """Ask so often, and return how often it was let in."""
    count = 0
    for _ in range(times):
        try:
            await limited.resolve(stored.key.plaintext, None)
            count += 1
        except RateLimited:
            pass
    return count


async def test_as_many_are_let_in_as_the_limit_says(limited: Authenticator, directory: MemoryDirectory) -> None:
    stored = directory.add()

    assert await let_in(limited, stored, QUOTA + 20) == QUOTA


async def test_a_lease_serves_many_requests(rates: RateLimits, windows: MemoryWindows) -> None:
    allowances = rates.allowances(record(uuid4(), tenant_requests=64 * 8))

    for _ in range(8):
        await rates.take(allowances)

    assert windows.asked == [8]


async def test_the_next_minute_lets_them_in_again(
    limited: Authenticator, directory: MemoryDirectory, windows: MemoryWindows, clock: Clock
) -> None:
    stored = directory.add()
    await let_in(limited, stored, QUOTA)

    clock.advance(60)
    windows.used.clear()

    assert await let_in(limited, stored, QUOTA + 1) == QUOTA


async def test_a_refusal_says_which_limit_what_is_left_and_when_to_come_back(
    limited: Authenticator, directory: MemoryDirectory, windows: MemoryWindows, clock: Clock
) -> None:
    stored = directory.add()
    await let_in(limited, stored, QUOTA)
    clock.advance(48.5)
    windows.seconds = 11.5

    with pytest.raises(RateLimited) as refused:
        await limited.resolve(stored.key.plaintext, None)

    assert refused.value.detail == (
        "The tenant's limit of 100 requests per minute is reached; the next minute begins in 12 s."
    )
    assert refused.value.headers == {
        "Retry-After": "12",
        "ratelimit-policy": '"tenant";q=100;w=60',
        "ratelimit": '"tenant";r=0;t=12',
    }


async def test_a_refusal_costs_a_query_a_second(
    limited: Authenticator, directory: MemoryDirectory, windows: MemoryWindows, clock: Clock
) -> None:
    stored = directory.add()
    await let_in(limited, stored, QUOTA + 1)
    before = len(windows.asked)

    await let_in(limited, stored, 50)
    clock.advance(1.0)
    await let_in(limited, stored, 50)

    assert len(windows.asked) == before + 1


async def test_a_key_that_is_limited_itself_takes_nothing_from_its_tenant_when_it_is_refused(
    rates: RateLimits, windows: MemoryWindows
) -> None:
    allowances = rates.allowances(record(uuid4(), key_requests=2))
    for _ in range(2):
        await rates.take(allowances)
    ours = allowances[0]
    before = ours.left

    with pytest.raises(RateLimited, match="The key's limit of 2 requests"):
        await rates.take(allowances)

    assert ours.left == before


async def test_keys_of_a_tenant_share_its_limit(rates: RateLimits) -> None:
    tenant = uuid4()

    (one,) = rates.allowances(record(tenant, "ak_11111111"))
    (other,) = rates.allowances(record(tenant, "ak_22222222"))

    assert one is other


async def test_a_limit_of_the_tenants_own_counts_as_soon_as_it_is_known(rates: RateLimits) -> None:
    tenant = uuid4()
    allowances = rates.allowances(record(tenant))
    await rates.take(allowances)

    changed = rates.allowances(record(tenant, tenant_requests=1))

    with pytest.raises(RateLimited, match="limit of 1 requests"):
        await rates.take(changed)


async def test_those_who_wait_share_a_lease(rates: RateLimits, windows: MemoryWindows) -> None:
    allowances = rates.allowances(record(uuid4(), tenant_requests=64 * 8))
    windows.open.clear()
    waiting = [asyncio.create_task(rates.take(allowances)) for _ in range(8)]
    await asyncio.sleep(0)

    windows.open.set()
    await asyncio.gather(*waiting)

    assert windows.asked == [8]


async def test_without_the_database_what_was_leased_holds_and_then_nothing(
    limited: Authenticator, directory: MemoryDirectory, windows: MemoryWindows
) -> None:
    stored = directory.add()
    await limited.resolve(stored.key.plaintext, None)
    (allowance,) = (await limited.resolve(stored.key.plaintext, None)).allowances
    windows.failure = Unavailable()
    left = allowance.left = 3

    assert await let_in(limited, stored, left) == left
    with pytest.raises(Unavailable):
        await limited.resolve(stored.key.plaintext, None)


async def test_whoever_gives_up_takes_nothing_from_the_others(rates: RateLimits, windows: MemoryWindows) -> None:
    allowances = rates.allowances(record(uuid4()))
    windows.open.clear()
    impatient, patient = (asyncio.create_task(rates.take(allowances)) for _ in range(2))
    await asyncio.sleep(0)

    impatient.cancel()
    await asyncio.sleep(0)
    windows.open.set()

    await patient
    assert impatient.cancelled()


async def test_who_stops_waits_for_what_is_being_leased(rates: RateLimits, windows: MemoryWindows) -> None:
    windows.open.clear()
    asking = asyncio.create_task(rates.take(rates.allowances(record(uuid4()))))
    await asyncio.sleep(0)
    asking.cancel()
    settling = asyncio.create_task(rates.settle())
    for _ in range(3):
        await asyncio.sleep(0)
    before = settling.done()
    windows.failure = Unavailable()
    windows.open.set()

    await settling
    assert not before
    assert windows.asked == [1]
