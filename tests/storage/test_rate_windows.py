"""A limit on requests is never exceeded, however many processes lease from it at the same time."""

import asyncio

import psycopg

from automation.domain.allowance import Allowance, Lease
from automation.storage.pool.database import Database
from automation.storage.rate_windows import RateWindows
from tests.databases import DatabaseUrls
from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner
from tests.storage.samples import Sample

QUOTA = 640


def allowance(sample: Sample, subject: str = "tenant", quota: int = QUOTA) -> Allowance:
    return Allowance(sample.tenant, subject, subject, quota)


async def leases(windows: RateWindows, ours: Allowance, wanted: int) -> list[Lease]:
    """Lease until nothing is left."""
    taken = [await windows.lease(ours, wanted)]
    while taken[-1].granted:
        taken.append(await windows.lease(ours, wanted))
    return taken


async def test_all_leases_of_a_minute_are_the_limit_exactly(ours: Sample, database: Database) -> None:
    windows = RateWindows(database)

    taken = await asyncio.gather(*(leases(windows, allowance(ours), wanted) for wanted in (1, 7, 10, 1000)))

    assert sum(lease.granted for some in taken for lease in some) == QUOTA


async def test_the_last_ones_are_shared(ours: Sample, database: Database) -> None:
    windows = RateWindows(database)

    greedy = [lease.granted for lease in await leases(windows, allowance(ours, quota=20), 1000)]

    assert greedy[0] == 2
    assert set(greedy[4:-1]) == {1}


async def test_each_tenant_and_key_has_a_minute_of_its_own(ours: Sample, theirs: Sample, database: Database) -> None:
    windows = RateWindows(database)
    await leases(windows, allowance(ours, quota=5), 5)

    others = [await windows.lease(allowance(theirs), 5), await windows.lease(allowance(ours, "ak_12345678"), 5)]

    assert [lease.granted for lease in others] == [5, 5]


async def test_what_is_granted_of_one_limit_is_of_no_other_one(
    ours: Sample, theirs: Sample, database: Database
) -> None:
    windows = RateWindows(database)
    limits = [
        allowance(each, subject) for each in (ours, theirs) for subject in ("tenant", "ak_11111111", "ak_2222222")
    ]

    granted = [
        [(await windows.lease(limit, wanted)).remaining for wanted, limit in enumerate(limits, 1)] for _ in range(3)
    ]

    assert granted == [[QUOTA - times * wanted for wanted, _ in enumerate(limits, 1)] for times in (1, 2, 3)]


async def test_an_eighth_of_what_is_left_is_granted_and_one_where_that_is_none(
    ours: Sample, database: Database
) -> None:
    windows, limit = RateWindows(database), allowance(ours, quota=24)

    taken = await leases(windows, limit, 1000)

    assert [(lease.granted, lease.remaining) for lease in taken] == [
        *((3, 21), (2, 19), (2, 17), (2, 15)),
        *((1, remaining) for remaining in range(14, -1, -1)),
        (0, 0),
    ]


async def test_a_lease_is_not_waited_for_until_it_is_on_disk_and_all_that_comes_after_it_is(
    runner: Runner,
) -> None:
    lease = "SELECT FROM lease_requests_v1(%s, 'tenant', 10, 1)"
    setting = "SELECT current_setting('synchronous_commit')"
    async with somebody_else(runner) as other:
        await other.execute("SET synchronous_commit = on")
        await other.commit()
        await other.execute(lease, (runner.tenant,))
        within = await (await other.execute(setting)).fetchall()
        await other.commit()
        after = await (await other.execute(setting)).fetchall()

    assert within == [("off",)]
    assert after == [("on",)]


async def test_when_the_minute_is_over_all_of_it_is_there_again(
    ours: Sample, database: Database, database_urls: DatabaseUrls
) -> None:
    windows = RateWindows(database)
    before = await leases(windows, allowance(ours), 1000)
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("UPDATE rate_windows SET began_at = began_at - interval '60 seconds'")

    after = await windows.lease(allowance(ours), 10)

    assert 0 < before[-1].seconds <= 60
    assert after == Lease(granted=10, remaining=QUOTA - 10, seconds=60.0)


async def test_a_limit_that_was_lowered_lets_nothing_more_in(ours: Sample, database: Database) -> None:
    windows = RateWindows(database)
    await windows.lease(allowance(ours), 50)

    lease = await windows.lease(allowance(ours, quota=20), 10)

    assert (lease.granted, lease.remaining) == (0, 0)


async def test_a_minute_that_began_while_one_waited_for_it_is_the_one_that_counts(
    runner: Runner, database: Database
) -> None:
    windows, ours = RateWindows(database), allowance(runner.sample, quota=5)
    await windows.lease(ours, 1)
    async with somebody_else(runner) as other:
        await other.execute("SELECT FROM rate_windows WHERE tenant = %s FOR UPDATE", (runner.tenant,))
        lease = await waiting(runner, other, windows.lease(ours, 5))
        await other.execute(
            "UPDATE rate_windows SET began_at = clock_timestamp(), granted = 5 WHERE tenant = %s", (runner.tenant,)
        )
        await other.commit()

    assert (await lease).granted == 0
