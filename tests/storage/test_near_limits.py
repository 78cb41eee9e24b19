"""Limits that somebody comes near: one is let in after the other, far from them nobody waits, and each is exact."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.limits import DEFAULTS, Limit
from automation.storage.accounts.administration import Administration
from automation.storage.migrations import functions
from tests.databases import DatabaseUrls
from tests.storage.locks import somebody_else, waiting
from tests.storage.roles import Connection
from tests.storage.runner import Runner

PENDING, USED = 3, 2
"""How many executions of a tenant wait, and for how many it has asked today."""

FAR = 2000
"""How many more one leaves room for, beside twenty for each that is asked for."""

Case = tuple[int | None, int | None, int]
"""The limits of what waits and of a day, and how many are asked for."""

ALONE: dict[str, tuple[Case, str]] = {
    "nothing is limited": ((None, None, 1), ""),
    "nothing is limited, for many": ((None, None, 100), ""),
    "far from the limit of what waits": ((PENDING + FAR + 20, None, 1), ""),
    "near the limit of what waits": ((PENDING + FAR + 19, None, 1), "waits"),
    "far from the day's": ((None, USED + FAR + 20, 1), ""),
    "near the day's": ((None, USED + FAR + 19, 1), "waits"),
    "far from both, for two": ((PENDING + FAR + 40, USED + FAR + 40, 2), ""),
    "near the first, for two": ((PENDING + FAR + 39, USED + FAR + 40, 2), "waits"),
    "near the second, for two": ((PENDING + FAR + 40, USED + FAR + 39, 2), "waits"),
    "as many wait as may": ((PENDING, None, 1), "too_many_pending"),
    "one more may wait": ((PENDING + 1, None, 1), "waits"),
    "as many as may were asked for": ((None, USED, 1), "executions_per_day"),
    "one more may be asked for": ((None, USED + 1, 1), "waits"),
    "as many wait as may, and several are asked for": ((PENDING, None, 2), "waits"),
    "as many as may were asked for, and several are": ((None, USED, 2), "waits"),
    "both limits are reached": ((PENDING, USED, 1), "too_many_pending"),
}
"""What is said while somebody else is let in."""

FREE: dict[str, tuple[Case, str]] = {
    "one more may wait": ((PENDING + 1, None, 1), ""),
    "one more may be asked for": ((None, USED + 1, 1), ""),
    "as many wait as may, and several are asked for": ((PENDING, None, 2), "too_many_pending"),
    "as many as may were asked for, and several are": ((None, USED, 2), "executions_per_day"),
}
"""The same where nobody else is."""

REACHED = "SELECT reached_limit_v1(%(tenant)s, %(more)s, %(pending)s, %(day)s, %(bytes)s)"
LET_IN = "SELECT pg_advisory_xact_lock(hashtextextended(concat('executions of ', %s::uuid), 0))"
COUNT = "SELECT count_use_v1(%s, 'mails_per_day', %s, %s)"
HELD = "INSERT INTO tenant_usage (tenant, name, shard, day, used) VALUES (%s, 'mails_per_day', %s, %s, 5)"
ROWS = "SELECT shard, day = current_date, used FROM tenant_usage WHERE tenant = %s AND name = 'mails_per_day'"


@contextmanager
def connected(urls: DatabaseUrls) -> Iterator[Connection]:
    with psycopg.connect(urls.admin) as connection:
        yield connection


@pytest.fixture
async def busy(runner: Runner) -> Runner:
    """A tenant whose executions wait; all but the first were asked for today."""
    rule = await runner.rule()
    for _ in range(USED):
        await runner.execute(rule)
    return runner


def reached(runner: Runner, case: Case, stored: int | None = None) -> str:
    """Return which limit is reached, or that one waits for somebody else."""
    pending, day, more = case
    named = {"tenant": runner.tenant, "pending": pending, "day": day, "more": more, "bytes": stored}
    with connected(runner.urls) as api:
        api.execute("SELECT set_config('app.tenant', %s, true)", (str(runner.tenant),))
        api.execute("SET LOCAL lock_timeout = '1ms'")
        try:
            row = api.execute(REACHED, named).fetchone()
        except psycopg.errors.LockNotAvailable:
            return "waits"
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("name", ALONE)
async def test_who_comes_near_a_limit_waits_for_whoever_is_there(busy: Runner, name: str) -> None:
    case, said = ALONE[name]

    with connected(busy.urls) as other:
        other.execute(LET_IN, (busy.tenant,))
        found = reached(busy, case)

    assert found == said


@pytest.mark.parametrize("name", FREE)
async def test_who_is_alone_near_a_limit_gets_what_is_left(busy: Runner, name: str) -> None:
    case, said = FREE[name]

    assert reached(busy, case) == said


async def test_what_is_stored_may_be_as_much_as_the_limit_and_then_nothing_more_is_asked_for(
    busy: Runner, administration: Administration
) -> None:
    limits = {each.limit: each.used for each in administration.limits_in_use(busy.tenant, DEFAULTS)}
    stored = limits[Limit.MAX_STORED_BYTES]

    assert stored
    assert reached(busy, (None, None, 1), stored + 1) == ""
    assert reached(busy, (None, None, 1), stored) == "max_stored_bytes"


async def test_of_two_messages_at_once_the_second_waits_and_counts_the_first(
    runner: Runner, administration: Administration
) -> None:
    administration.set_limits(runner.tenant, {Limit.MAILS_PER_DAY: 5})
    claim = await runner.claimed()
    async with somebody_else(runner) as other:
        await other.execute(b"SELECT count_mails_v1(%s, 3, NULL)", (runner.tenant,))
        second = await waiting(runner, other, runner.runs.count_mails(claim, 3))
        await other.commit()

    assert await second == 5
    assert await runner.runs.count_mails(claim, 2) is None


async def test_of_two_claims_at_once_near_the_limit_of_what_runs_the_second_is_held_back(
    runner: Runner, administration: Administration
) -> None:
    administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 1})
    first, second = await runner.execute(), await runner.execute()
    claims = b"SELECT fence FROM claim_execution_v1(%s, %s, 1, 15, NULL, 3600, NULL)"
    async with somebody_else(runner) as other:
        await other.execute(claims, (runner.tenant, first))
        claim = await waiting(runner, other, runner.claim(second))
        await other.commit()
    assert await claim is None
    assert runner.row(second)["held_back"]


async def test_an_end_waits_for_a_claim_that_it_makes_room_for_and_wakes_it(
    runner: Runner, administration: Administration
) -> None:
    administration.set_limits(runner.tenant, {Limit.MAX_RUNNING: 1})
    ends, held = await runner.claimed(), await runner.execute()
    runner.take_jobs()
    async with somebody_else(runner) as other:
        await other.execute(b"SELECT FROM claim_execution_v1(%s, %s, 1, 15, NULL, 3600, NULL)", (runner.tenant, held))
        end = await waiting(runner, other, runner.runs.finish(ends, ExecutionStatus.COMPLETED))
        await other.commit()

    assert await end is ExecutionStatus.COMPLETED
    assert [job["execution_id"] for job in runner.jobs()] == [str(held)]


async def test_tenants_without_a_limit_of_what_runs_wait_for_no_claim(runner: Runner) -> None:
    first, second = await runner.execute(), await runner.execute()
    async with somebody_else(runner) as other:
        await other.execute(b"SELECT FROM claim_execution_v1(%s, %s, 1, 15, NULL, 3600, NULL)", (runner.tenant, first))

        assert await runner.claim(second) is not None


def test_a_use_is_counted_in_the_backends_own_row_where_that_is_free(runner: Runner) -> None:
    with connected(runner.urls) as one, connected(runner.urls) as other:
        places = [each.info.backend_pid % 2**15 for each in (one, other)]
        for each in (one, other):  # the second finds the only row held, and makes its own
            each.execute(COUNT, (runner.tenant, "today", 1))
        one.commit()
        other.commit()
        for each, amount in ((one, 10), (other, 100), (other, 100), (one, 10)):
            each.execute(COUNT, (runner.tenant, "today", amount))
            each.commit()
        found = one.execute(ROWS, (runner.tenant,)).fetchall()

    assert sorted(str(row) for row in found) == sorted([str((places[0], True, 21)), str((places[1], True, 201))])


@pytest.mark.parametrize(("day", "counted"), [("today", 3), ("yesterday", 1)])
def test_a_day_begins_with_nothing_used(runner: Runner, day: str, counted: int) -> None:
    with connected(runner.urls) as backend:
        place = backend.info.backend_pid % 2**15
        backend.execute(COUNT, (runner.tenant, day, 2))
        backend.execute(COUNT, (runner.tenant, "today", 1))
        rows = backend.execute(ROWS, (runner.tenant,)).fetchall()

    assert rows == [(place, True, counted)]


@pytest.mark.parametrize(("day", "counted"), [("today", 6), ("yesterday", 1)])
async def test_whoever_makes_the_row_at_the_same_moment_is_counted_too(runner: Runner, day: str, counted: int) -> None:
    async with await psycopg.AsyncConnection.connect(runner.urls.admin) as backend, somebody_else(runner) as other:
        place = backend.info.backend_pid % 2**15
        await other.execute(HELD, (runner.tenant, place, day))
        use = await waiting(runner, other, backend.execute(COUNT, (runner.tenant, "today", 1)))
        await other.commit()
        await use
        rows = await (await backend.execute(ROWS, (runner.tenant,))).fetchall()

    assert rows == [(place, True, counted)]


def test_where_all_rows_are_held_a_use_is_counted_in_a_new_one(runner: Runner) -> None:
    with connected(runner.urls) as other, connected(runner.urls) as backend:
        own = backend.info.backend_pid % 2**15
        with connected(runner.urls) as admin:
            for place in (own, -1 - own):
                admin.execute(HELD, (runner.tenant, place, "today"))
        other.execute("SELECT FROM tenant_usage WHERE tenant = %s FOR UPDATE", (runner.tenant,))
        backend.execute("SET LOCAL lock_timeout = '1ms'")
        backend.execute(COUNT, (runner.tenant, "today", 1))
        rows = backend.execute(ROWS, (runner.tenant,)).fetchall()

    assert sorted(str(used) for _, _, used in rows) == ["1", "5", "5"]


def test_who_counts_waits_for_nobody_though_his_row_of_another_limit_is_free(runner: Runner) -> None:
    with connected(runner.urls) as made, connected(runner.urls) as taking:
        made.execute(COUNT, (runner.tenant, "today", 1))
        made.execute("SELECT count_use_v1(%s, 'executions_per_day', 'today', 1)", (runner.tenant,))
        made.commit()
        taking.execute(f"{ROWS} FOR UPDATE", (runner.tenant,))
        made.execute("SET LOCAL lock_timeout = '1ms'")
        made.execute(COUNT, (runner.tenant, "today", 1))


@pytest.mark.parametrize(("amounts", "used"), [([], 0), ([3, -1], 2), ([3, -5], 0)], ids=str)
def test_what_is_used_is_the_sum_and_never_less_than_nothing(runner: Runner, amounts: list[int], used: int) -> None:
    with connected(runner.urls) as backend:
        for day in ("yesterday", "today"):
            for amount in amounts:
                backend.execute(COUNT, (runner.tenant, day, amount))
        backend.execute(HELD, (runner.tenant, -7, "yesterday"))
        found = backend.execute("SELECT used_v1(%s, 'mails_per_day', 'today')", (runner.tenant,)).fetchone()

    assert found == (used,)


def test_a_row_has_a_number_that_its_column_takes() -> None:
    text = (functions.DIRECTORY / "count_use_v1.sql").read_text()
    [(most, least)] = re.findall(r"\(random\(\) \* (\d+)\)::integer - (\d+)", text)

    assert set(re.findall(r"pg_backend_pid\(\) % (\d+)", text)) == {str(2**15)}
    assert (int(most) - int(least), -int(least)) == (2**15 - 1, -(2**15))
