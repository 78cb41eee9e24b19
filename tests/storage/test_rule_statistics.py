"""Statistics of a rule: each end of a run is counted once, in the hour and the day of whoever asks."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import InvalidParameter, RuleNotFound
from automation.domain.executions import ExecutionStatus
from automation.domain.statistics import Bucket, Ends, Period, Statistics, milliseconds
from automation.storage.due import Due
from automation.storage.pool.database import Database
from automation.storage.rule_statistics import RuleStatistics
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner
from tests.storage.samples import Sample

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Starts = Sequence[tuple[int, int]]
COUNTS = ("completed", "failed", "timeout", "cancelled", "skipped")


@pytest.fixture
def statistics(database: Database) -> RuleStatistics:
    return RuleStatistics(database)


def end(urls: DatabaseUrls, sample: Sample, *ends: tuple[datetime, str, float | None]) -> None:
    """Tell of runs of the sample's rule that they ended."""
    with psycopg.connect(urls.admin) as admin, admin.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO automation_run_ends (tenant, automation_rule_id, ended_at, execution_id, status, duration_ms)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [(sample.tenant, sample.rule.rule_id, at, uuid4(), status, took) for at, status, took in ends],
        )


async def fold_all(due: Due, limit: int = 1000) -> int:
    folded = 0
    while found := await due.fold(limit):
        folded += found
    return folded


async def asked(statistics: RuleStatistics, sample: Sample, start: datetime, end: datetime, **how: str) -> Statistics:
    asked_for = {"bucket": "hour", "time_zone": "UTC", **how}
    period = Period.asked(start, end, bucket=asked_for["bucket"], time_zone=asked_for["time_zone"], now=NOON)
    return await statistics.read(sample.tenant, sample.rule.rule_id, period)


def counts(ends: Ends) -> Mapping[str, int]:
    return {name: count for name in COUNTS if (count := getattr(ends, name))}


async def ended(runner: Runner, statistics: RuleStatistics, rule: UUID) -> Mapping[str, int]:
    now = datetime.now(UTC)
    period = Period.asked(None, None, bucket="hour", time_zone="UTC", now=now)
    return counts((await statistics.read(runner.tenant, rule, period)).total)


async def test_every_way_to_end_is_counted_and_a_retry_is_a_run_of_its_own(
    runner: Runner, statistics: RuleStatistics, due: Due
) -> None:
    rule = await runner.rule()
    retried, cancelled, completed = [await runner.execute(rule) for _ in range(3)]
    await runner.failed(execution=retried)
    await runner.executions.retry(runner.tenant, retried, retry_from="start")
    again = await runner.claimed(retried, attempt=2)
    await runner.runs.finish(again, ExecutionStatus.COMPLETED)
    await runner.executions.cancel(runner.tenant, cancelled)
    before = await ended(runner, statistics, rule.rule_id)
    await runner.runs.finish(await runner.claimed(completed), ExecutionStatus.COMPLETED)

    await fold_all(due)

    assert before == {}
    assert await ended(runner, statistics, rule.rule_id) == {"completed": 2, "failed": 1, "cancelled": 1}
    assert await fold_all(due) == 0


async def test_ends_are_counted_once_however_many_count_and_however_few_at_a_time(
    ours: Sample, statistics: RuleStatistics, due: Due, database_urls: DatabaseUrls
) -> None:
    end(database_urls, ours, *((NOON + timedelta(seconds=n), "completed", 10.0 * n) for n in range(300)))

    folded = await asyncio.gather(*(fold_all(due, 7) for _ in range(4)))

    rest = await fold_all(due)
    found = await asked(statistics, ours, NOON, NOON + timedelta(hours=1))
    assert sum(folded) + rest == 300
    assert counts(found.total) == {"completed": 300}


async def test_what_is_not_counted_as_yet_is_said(
    ours: Sample, statistics: RuleStatistics, due: Due, database_urls: DatabaseUrls
) -> None:
    end(database_urls, ours, (NOON, "completed", 1.0), (NOON + timedelta(minutes=1), "failed", 1.0))

    behind = await asked(statistics, ours, NOON, NOON + timedelta(hours=1))
    await fold_all(due)
    complete = await asked(statistics, ours, NOON, NOON + timedelta(hours=1))

    assert (counts(behind.total), behind.as_of) == ({}, NOON)
    assert counts(complete.total) == {"completed": 1, "failed": 1}
    assert complete.as_of == NOON + timedelta(hours=1)


async def test_what_is_new_without_an_end_is_said_in_steps(ours: Sample, statistics: RuleStatistics) -> None:
    before = datetime.now(UTC)
    running = Period.asked(None, None, bucket="hour", time_zone="UTC", now=before + timedelta(hours=1))

    found = await statistics.read(ours.tenant, ours.rule.rule_id, running)

    assert (found.as_of.second % 5, found.as_of.microsecond) == (0, 0)
    assert before - timedelta(seconds=10) <= found.as_of <= datetime.now(UTC) - timedelta(seconds=5)


@pytest.mark.parametrize(
    ("time_zone", "starts"),
    [
        ("UTC", [(11, 0), (12, 0)]),
        ("Asia/Kolkata", [(11, 30), (12, 30)]),
        ("Asia/Kathmandu", [(11, 15), (12, 15)]),
        ("Australia/Eucla", [(11, 15), (12, 15)]),
    ],
)
async def test_hours_are_those_of_the_time_zone(
    ours: Sample, statistics: RuleStatistics, due: Due, database_urls: DatabaseUrls, *, time_zone: str, starts: Starts
) -> None:
    ends = [NOON.replace(hour=hour, minute=minute) for hour, minute in starts]
    last = timedelta(minutes=59, seconds=59)
    end(database_urls, ours, *((at + later, "completed", 1.0) for at in ends for later in (timedelta(0), last)))
    await fold_all(due)

    found = await asked(statistics, ours, NOON - timedelta(hours=3), NOON + timedelta(hours=3), time_zone=time_zone)

    assert [(each.starts_at, each.completed) for each in found.buckets] == [(at, 2) for at in ends]


async def test_a_day_on_which_the_clock_is_changed_is_one_day(
    ours: Sample, statistics: RuleStatistics, due: Due, database_urls: DatabaseUrls
) -> None:
    begins = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # midnight in Berlin; the day has 23 hours
    end(database_urls, ours, *((begins + timedelta(hours=n), "completed", 1.0) for n in range(24)))
    await fold_all(due)

    found = await asked(
        statistics,
        ours,
        begins - timedelta(days=2),
        begins + timedelta(days=2),
        bucket="day",
        time_zone="Europe/Berlin",
    )

    assert [(each.starts_at, each.completed) for each in found.buckets] == [
        (begins, 23),
        (begins + timedelta(hours=23), 1),
    ]


async def test_a_period_has_its_beginning_and_not_its_end(
    ours: Sample, statistics: RuleStatistics, due: Due, database_urls: DatabaseUrls
) -> None:
    moment = timedelta(microseconds=1)
    hour = timedelta(hours=1)
    end(
        database_urls,
        ours,
        *((at, "completed", 1.0) for at in (NOON - moment, NOON, NOON + hour - moment, NOON + hour)),
    )
    await fold_all(due)

    assert (await asked(statistics, ours, NOON, NOON + hour)).total.completed == 2


async def test_percentiles_are_near_the_exact_ones_and_leave_out_what_did_not_run(
    ours: Sample, statistics: RuleStatistics, due: Due, database_urls: DatabaseUrls
) -> None:
    took = [3.7 * n + 2 for n in range(1, 401)]
    ran = [(NOON, ("completed", "failed", "timeout")[n % 3], each) for n, each in enumerate(took)]
    end(database_urls, ours, *ran, *[(NOON, "cancelled", 1.0)] * 500, *[(NOON, "skipped", None)] * 500)
    await fold_all(due)

    found = (await asked(statistics, ours, NOON, NOON + timedelta(hours=1))).total

    assert milliseconds(found.p50) == pytest.approx(took[199], rel=0.05)
    assert milliseconds(found.p95) == pytest.approx(took[379], rel=0.05)
    assert (found.cancelled, found.skipped) == (500, 500)
    assert found.failure_rate == pytest.approx(266 / 400, abs=0.01)


async def test_what_is_deleted_stays_counted(
    runner: Runner, statistics: RuleStatistics, due: Due, database_urls: DatabaseUrls
) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule)
    await runner.runs.finish(await runner.claimed(execution), ExecutionStatus.COMPLETED)
    await fold_all(due)

    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("DELETE FROM automation_executions WHERE execution_id = %s", (execution,))

    assert await ended(runner, statistics, rule.rule_id) == {"completed": 1}


async def test_the_statistics_of_another_tenants_rule_are_not_found(
    ours: Sample, theirs: Sample, statistics: RuleStatistics
) -> None:
    period = Period.asked(None, None, bucket="hour", time_zone="UTC", now=NOON)

    with pytest.raises(RuleNotFound):
        await statistics.read(ours.tenant, theirs.rule.rule_id, period)


async def test_a_rule_that_never_ran_has_empty_statistics(ours: Sample, statistics: RuleStatistics) -> None:
    found = await asked(statistics, ours, NOON, NOON + timedelta(hours=1))

    assert (counts(found.total), found.total.failure_rate, found.total.p50, found.buckets) == ({}, None, None, [])


async def test_a_time_zone_that_nobody_knows_is_refused(ours: Sample, statistics: RuleStatistics) -> None:
    with pytest.raises(InvalidParameter):
        await asked(statistics, ours, NOON, NOON + timedelta(hours=1), time_zone="Europe/Nowhere")


@pytest.mark.parametrize(
    ("length", "bucket"),
    [(timedelta(0), "hour"), (timedelta(hours=-1), "hour"), (timedelta(days=32), "hour"), (timedelta(days=93), "day")],
)
def test_a_period_that_is_empty_or_too_long_is_refused(length: timedelta, bucket: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        Period.asked(NOON, NOON + length, bucket=bucket, time_zone="UTC", now=NOON)

    assert [each.parameter for each in refused.value.violations] == ["from"]


def test_a_period_is_widened_to_quarters_of_an_hour() -> None:
    period = Period.asked(
        NOON + timedelta(minutes=16, seconds=1), NOON + timedelta(minutes=31), bucket="day", time_zone="UTC", now=NOON
    )

    assert (period.start, period.end) == (NOON + timedelta(minutes=15), NOON + timedelta(minutes=45))
    assert period.bucket is Bucket.DAY
