"""Leases of requests: what becomes of those that fail, are cancelled, given up or outlived by their limit."""

import asyncio
import gc
from uuid import UUID, uuid4

import pytest

from automation.domain.errors import RateLimited, Unavailable
from automation.domain.limits import Limit
from automation.domain.principal import Principal
from automation.storage.keys import KeyRecord
from security.authenticator import Authenticator
from security.rate_limits import RateLimits
from tests.security.directories import Clock, MemoryDirectory
from tests.security.windows import QUOTA, MemoryWindows


def key_of(tenant: UUID, **quotas: int) -> KeyRecord:
    principal = Principal(tenant, uuid4(), frozenset(), "ak_12345678")
    return KeyRecord(principal, limited=False, expires_in=None, **quotas)


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lease_that_fails_fails_for_those_who_wait_and_is_asked_for_anew_by_the_next(
    rates: RateLimits, windows: MemoryWindows
) -> None:
    allowances = rates.allowances(key_of(uuid4()))
    windows.failure = Unavailable()

    outcomes = await asyncio.gather(*(rates.take(allowances) for _ in range(3)), return_exceptions=True)
    windows.failure = None

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    await rates.take(allowances)
    assert len(windows.asked) == 2
    assert rates._leases == {}


@pytest.mark.parametrize("turns", [0, 1])
async def test_a_lease_that_is_cancelled_before_its_first_step_or_later_is_asked_for_anew(
    rates: RateLimits, windows: MemoryWindows, turns: int
) -> None:
    (allowance,) = allowances = rates.allowances(key_of(uuid4()))
    windows.open.clear()
    lease = rates._lease(allowance)
    for _ in range(turns):
        await asyncio.sleep(0)
    lease.cancel()
    await asyncio.gather(lease, return_exceptions=True)
    windows.open.set()

    await rates.take(allowances)

    assert len(windows.asked) == 1 + turns
    assert rates._leases == {}


async def test_a_failure_that_nobody_waits_for_is_no_error_of_the_event_loop(
    rates: RateLimits, windows: MemoryWindows
) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    windows.open.clear()
    windows.failure = Unavailable()
    impatient = asyncio.create_task(rates.take(rates.allowances(key_of(uuid4()))))
    await asyncio.sleep(0)
    impatient.cancel()
    windows.open.set()
    await let_others_run()
    gc.collect()

    assert complaints == []


async def test_what_was_leased_under_another_limit_is_not_let_in(rates: RateLimits, windows: MemoryWindows) -> None:
    tenant = uuid4()
    before = rates.allowances(key_of(tenant, tenant_requests=6400))
    windows.open.clear()
    asking = asyncio.create_task(rates.take(before))
    await let_others_run()
    assert len(windows.asked) == 1
    (allowance,) = rates.allowances(key_of(tenant, tenant_requests=1))
    windows.open.set()

    with pytest.raises(RateLimited, match="limit of 1 requests"):
        await asking

    assert allowance.left == 0


async def test_one_who_is_not_limited_himself_has_his_tenants_limit_and_one_without_any_has_none(
    windows: MemoryWindows, clock: Clock
) -> None:
    free = RateLimits(windows, {}, clock=clock)
    ours = key_of(uuid4())

    assert free.allowances(ours) == ()
    assert free.of_tenant(uuid4(), None) == ()
    assert [each.quota for each in free.allowances(key_of(uuid4(), key_requests=0))] == [0]
    assert [each.quota for each in free.of_tenant(uuid4(), 0)] == [0]
    assert [
        (each.name, each.quota) for each in free.allowances(key_of(uuid4(), tenant_requests=3, key_requests=2))
    ] == [
        (b"tenant", 3),
        (b"key", 2),
    ]


async def test_as_many_are_known_as_there_is_room_for_and_whoever_was_asked_for_last_stays(
    windows: MemoryWindows, clock: Clock
) -> None:
    rates = RateLimits(windows, {Limit.REQUESTS_PER_MINUTE: QUOTA}, clock=clock, capacity=2)
    first, second, third = uuid4(), uuid4(), uuid4()
    (known,) = rates.of_tenant(first, None)
    rates.of_tenant(second, None)
    rates.of_tenant(first, None)
    rates.of_tenant(third, None)

    assert rates.of_tenant(first, None) == (known,)
    assert len(rates._known) == 2


async def test_who_stops_waits_for_the_leases_of_requests_that_were_given_up(
    directory: MemoryDirectory, rates: RateLimits, windows: MemoryWindows, clock: Clock
) -> None:
    limited = Authenticator(directory, clock=clock, rates=rates)
    key = directory.add().key.plaintext
    windows.open.clear()
    asking = asyncio.create_task(limited.resolve(key, None))
    await let_others_run()
    assert len(windows.asked) == 1
    asking.cancel()
    stopping = asyncio.create_task(limited.stop())
    await let_others_run()
    before = stopping.done()
    windows.open.set()

    await stopping
    assert not before
