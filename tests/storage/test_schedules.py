"""A rule that runs by the clock is due when it says, and each of its times makes a run once, whoever looks at it."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from automation.domain.limits import Limit
from automation.domain.origin import Origin, TriggerKind
from automation.domain.rules import Rule, RuleStatus, RuleVersion, TriggerType
from automation.engine.runs.ticker import first_firing, tick
from automation.storage import schedules as of_schedules
from automation.storage.accounts.administration import Administration
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from automation.storage.schedules import HELD, DueSchedule, Schedules
from tests.databases import DatabaseUrls
from tests.storage.locks import somebody_else, waiting
from tests.storage.runner import Runner
from tests.storage.samples import Sample, sample

HOURLY = {"cron": "0 * * * *"}
BY_THE_CLOCK = Origin(kind=TriggerKind.SCHEDULE)


@pytest.fixture(autouse=True)
def _nothing_is_due(database_urls: DatabaseUrls) -> None:
    """What other tests have left is out of the way."""
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("DELETE FROM automation_schedules")


@pytest.fixture
def rules(database: Database) -> Rules:
    """Rules that know when they are due first."""
    return Rules(database, first_firing=first_firing)


@pytest.fixture
def schedules(workers_database: Database) -> Schedules:
    return Schedules(workers_database)


async def recurring(runner: Runner, config: Mapping[str, Any] = HOURLY, **content: Any) -> Rule:
    """Create an active rule that runs by the clock."""
    return await runner.rule(trigger_type=TriggerType.RECURRING, trigger_config=config, **content)


async def changed(runner: Runner, rule: Rule, **content: Any) -> Rule:
    """Give a rule a new version."""
    said = replace(rule.content, **content)
    return await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, said)


def set_back(runner: Runner, rule: Rule, by: timedelta) -> datetime:
    """Let time have passed for a rule's schedule, and return when it is due."""
    with psycopg.connect(runner.urls.admin) as admin:
        row = admin.execute(
            "UPDATE automation_schedules SET scheduled_at = scheduled_at - %s, fire_at = fire_at - %s"
            " WHERE rule_id = %s RETURNING scheduled_at",
            (by, by, rule.rule_id),
        ).fetchone()
    assert row is not None
    due: datetime = row[0].astimezone(UTC)
    return due


def made(runner: Runner, rule: Rule) -> list[dict[str, Any]]:
    """Return the runs of a rule, the first that was due first."""
    with psycopg.connect(runner.urls.admin, row_factory=dict_row) as admin:
        return admin.execute(
            "SELECT * FROM automation_executions WHERE automation_rule_id = %s ORDER BY triggered_by->>'scheduled_at'",
            (rule.rule_id,),
        ).fetchall()


def due_times(runner: Runner, rule: Rule) -> list[datetime]:
    return [datetime.fromisoformat(each["triggered_by"]["scheduled_at"]) for each in made(runner, rule)]


async def next_fire_at(runner: Runner, rule: Rule) -> datetime | None:
    return (await runner.rules.get(runner.tenant, rule.rule_id)).next_fire_at


async def is_due(runner: Runner, rule: Rule) -> bool:
    following = await next_fire_at(runner, rule)
    return following is not None and following <= datetime.now(UTC)


@asynccontextmanager
async def ticking(schedules: Schedules) -> AsyncIterator[None]:
    """Let a ticker look meanwhile, for so long as a test may take."""
    ticker = asyncio.create_task(tick(schedules))
    try:
        async with asyncio.timeout(20):
            yield
    finally:
        ticker.cancel()
        with suppress(asyncio.CancelledError):
            await ticker


async def tick_until_next(runner: Runner, rule: Rule, schedules: Schedules) -> None:
    """Let a ticker look until nothing is due of a rule."""
    async with ticking(schedules):
        while await is_due(runner, rule):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.02)


async def tick_until_made(runner: Runner, schedules: Schedules, rules: Sequence[Rule]) -> None:
    """Let a ticker look until each of some rules has a run."""
    async with ticking(schedules):
        while not all(made(runner, rule) for rule in rules):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.02)


async def test_a_rule_says_when_it_is_due_next(runner: Runner) -> None:
    rule, manual = await recurring(runner), await runner.rule()

    assert rule.next_fire_at is not None
    assert timedelta() < rule.next_fire_at - datetime.now(UTC) <= timedelta(hours=1)
    assert (rule.next_fire_at.minute, rule.next_fire_at.second) == (0, 0)
    assert manual.next_fire_at is None


async def test_what_is_due_makes_a_run_that_says_so_and_the_next_time_follows(
    runner: Runner, schedules: Schedules
) -> None:
    rule = await recurring(runner, {"every": "PT1H"}, labels={"hour": "${trigger.scheduled_at}"})
    due = set_back(runner, rule, timedelta(hours=1))
    written = due.isoformat(timespec="microseconds").replace("+00:00", "Z")

    await tick_until_next(runner, rule, schedules)

    (run,) = made(runner, rule)
    assert run["trigger_data"]["scheduled_at"] == written
    assert run["labels"] == {"hour": written}
    assert due_times(runner, rule) == [due]
    assert run["triggered_by"]["type"] == "schedule"
    assert run["trigger_data"].keys() == {"scheduled_at", "fired_at"}
    assert [job["execution_id"] for job in runner.jobs()] == [str(run["execution_id"])]
    assert await next_fire_at(runner, rule) == rule.next_fire_at


@pytest.mark.parametrize(("catch_up", "count"), [("none", 0), ("one", 1), ("all", 5)])
async def test_what_was_missed_is_made_up_for_as_the_rule_says(
    runner: Runner, schedules: Schedules, catch_up: str, count: int
) -> None:
    rule = await recurring(runner, {**HOURLY, "catch_up": catch_up})
    set_back(runner, rule, timedelta(hours=5))

    await tick_until_next(runner, rule, schedules)

    assert rule.next_fire_at is not None
    expected = [rule.next_fire_at - timedelta(hours=hours) for hours in range(count, 0, -1)]
    assert due_times(runner, rule) == expected
    assert await next_fire_at(runner, rule) == rule.next_fire_at


async def test_three_tickers_that_are_killed_at_random_make_each_run_once(runner: Runner, schedules: Schedules) -> None:
    rule = await recurring(runner, {"every": "PT1M", "catch_up": "all"})
    first = set_back(runner, rule, timedelta(minutes=60))
    chance = random.Random(13)  # noqa: S311 - the same each time
    tickers = [asyncio.create_task(tick(schedules)) for _ in range(3)]

    async with asyncio.timeout(60):
        for _ in range(20):
            await asyncio.sleep(chance.random() * 0.02)
            killed = chance.randrange(3)
            tickers[killed].cancel()
            await asyncio.wait({tickers[killed]})
            tickers[killed] = asyncio.create_task(tick(schedules))
        while await is_due(runner, rule):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.02)
    for ticker in tickers:
        ticker.cancel()
    await asyncio.wait(tickers)

    following = await next_fire_at(runner, rule)
    assert following is not None
    count = (following - first) // timedelta(minutes=1)
    assert due_times(runner, rule) == [first + timedelta(minutes=minute) for minute in range(count)]


async def test_what_another_ticker_is_about_to_fire_is_left_to_it(runner: Runner, schedules: Schedules) -> None:
    rule = await recurring(runner)
    due = set_back(runner, rule, timedelta(hours=1))

    async with somebody_else(runner) as other:
        await other.execute("SELECT FROM automation_schedules WHERE rule_id = %s FOR UPDATE", (rule.rule_id,))
        (found,) = await schedules.due(10, ahead=0)
        outcome = await schedules.fire(found, rule.version, following=None, trigger={}, origin=BY_THE_CLOCK)

    assert outcome is None
    assert made(runner, rule) == []
    assert await next_fire_at(runner, rule) == due


async def test_a_rule_that_was_changed_since_it_was_read_is_not_fired_by_what_it_said(
    runner: Runner, schedules: Schedules
) -> None:
    rule = await recurring(runner)
    due = set_back(runner, rule, timedelta(hours=1))
    (found,) = await schedules.due(10, ahead=0)
    await changed(runner, rule, name="says something else")

    outcome = await schedules.fire(found, rule.version, following=None, trigger={}, origin=BY_THE_CLOCK)

    assert outcome is None
    assert made(runner, rule) == []
    assert await next_fire_at(runner, rule) == due


async def test_a_rule_whose_type_was_changed_since_it_was_found_stops_no_ticker(
    runner: Runner, schedules: Schedules, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, rule = await recurring(runner), await recurring(runner, {"every": "PT1M"})
    for each in (other, rule):
        set_back(runner, each, timedelta(hours=1))
    read = schedules.read

    async def read_too_late(due: DueSchedule) -> RuleVersion | None:
        if due.rule_id == rule.rule_id:
            await changed(runner, rule, trigger_type=TriggerType.MANUAL, trigger_config={})
        return await read(due)

    monkeypatch.setattr(schedules, "read", read_too_late)
    ticker = asyncio.create_task(tick(schedules))
    async with asyncio.timeout(60):
        while await is_due(runner, other):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.02)

    assert not ticker.done()
    ticker.cancel()
    await asyncio.wait({ticker})
    assert made(runner, rule) == []


async def test_what_is_wrong_with_one_rule_stops_no_other(
    runner: Runner, schedules: Schedules, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, right = await recurring(runner), await recurring(runner)
    for each in (wrong, right):
        set_back(runner, each, timedelta(hours=1))
    read = schedules.read

    async def fail_for_one(due: DueSchedule) -> RuleVersion | None:
        if due.rule_id == wrong.rule_id:
            raise ZeroDivisionError
        return await read(due)

    monkeypatch.setattr(schedules, "read", fail_for_one)
    ticker = asyncio.create_task(tick(schedules))
    async with asyncio.timeout(60):
        while await is_due(runner, right):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.02)

    assert not ticker.done()
    ticker.cancel()
    await asyncio.wait({ticker})
    assert len(made(runner, right)) == 1


async def test_many_rules_of_one_tenant_keep_no_other_waiting(
    runner: Runner, schedules: Schedules, administration: Administration
) -> None:
    for _ in range(5):
        set_back(runner, await recurring(runner), timedelta(hours=2))
    theirs = sample(administration)
    rule = await runner.rules.create(theirs.tenant, theirs.user, (await recurring(runner)).content)
    due = set_back(runner, rule, timedelta(hours=1))

    found = await schedules.due(2, ahead=0)

    assert (rule.rule_id, due) in {(each.rule_id, each.scheduled_at) for each in found}


async def test_a_rule_that_is_being_changed_is_fired_by_what_it_says_then(
    runner: Runner, schedules: Schedules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_schedules, "PATIENCE", "10s")
    rule = await recurring(runner)
    set_back(runner, rule, timedelta(hours=1))
    (found,) = await schedules.due(10, ahead=0)

    async with somebody_else(runner) as other:
        await other.execute("UPDATE automation_rules SET version = 2 WHERE rule_id = %s", (rule.rule_id,))
        firing = schedules.fire(found, rule.version, following=None, trigger={}, origin=BY_THE_CLOCK)
        task = await waiting(runner, other, firing)
        await other.rollback()

    assert await task == "created"


async def test_rules_that_their_tenant_holds_for_long_keep_no_other_tenants_waiting_and_are_fired_afterwards(
    runner: Runner, theirs: Sample, schedules: Schedules
) -> None:
    held = [await recurring(runner) for _ in range(3)]
    for each in held:
        set_back(runner, each, timedelta(hours=1))
    content = (await recurring(runner)).content
    other = await runner.rules.create(theirs.tenant, theirs.user, content)
    set_back(runner, other, timedelta(hours=1))

    async with somebody_else(runner) as holder:
        for each in held:
            await holder.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR NO KEY UPDATE", (each.rule_id,))
        found = {each.rule_id: each for each in await schedules.due(10, ahead=0)}
        asked = found[held[0].rule_id]
        outcome = await schedules.fire(asked, held[0].version, following=None, trigger={}, origin=BY_THE_CLOCK)
        await tick_until_made(runner, schedules, [other])
        meanwhile = [made(runner, each) for each in held]
    await tick_until_made(runner, schedules, held)

    assert outcome == HELD
    assert meanwhile == [[], [], []]


@pytest.mark.parametrize("status", [RuleStatus.INACTIVE, RuleStatus.DRAFT])
async def test_a_rule_that_accepts_nothing_is_never_due(runner: Runner, status: RuleStatus) -> None:
    rule = await recurring(runner)

    off = await changed(runner, rule, status=status)
    on = await changed(runner, off, status=RuleStatus.ACTIVE)

    assert off.next_fire_at is None
    assert on.next_fire_at == rule.next_fire_at


async def test_a_paused_rule_is_due_and_its_runs_wait(runner: Runner, schedules: Schedules) -> None:
    rule = await recurring(runner, status=RuleStatus.PAUSED)
    set_back(runner, rule, timedelta(hours=1))

    await tick_until_next(runner, rule, schedules)

    assert [run["status"] for run in made(runner, rule)] == ["pending"]
    assert runner.jobs() == []


async def test_a_change_of_something_else_leaves_what_is_due(runner: Runner) -> None:
    rule = await recurring(runner)
    due = set_back(runner, rule, timedelta(hours=3))

    renamed = await changed(runner, rule, name="Another name")
    rescheduled = await changed(runner, renamed, trigger_config={"cron": "30 * * * *"})

    assert renamed.next_fire_at == due
    assert rescheduled.next_fire_at is not None
    assert rescheduled.next_fire_at > datetime.now(UTC)


async def test_a_rule_that_no_clock_starts_any_more_or_that_is_deleted_is_never_due(runner: Runner) -> None:
    manual, deleted = await recurring(runner), await recurring(runner)

    manual = await changed(runner, manual, trigger_type=TriggerType.MANUAL, trigger_config={})
    await runner.rules.delete(runner.tenant, deleted.rule_id)

    assert manual.next_fire_at is None
    assert await next_fire_at(runner, deleted) is None


async def test_after_its_last_time_a_rule_is_due_no_more(runner: Runner, schedules: Schedules) -> None:
    rule = await recurring(runner, {**HOURLY, "ends_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()})
    set_back(runner, rule, timedelta(hours=1))
    with psycopg.connect(runner.urls.admin) as admin:
        config = '{"cron": "0 * * * *", "ends_at": "2026-01-01T00:00:00Z"}'
        admin.execute("UPDATE automation_rules SET trigger_config = %s WHERE rule_id = %s", (config, rule.rule_id))

    await tick_until_next(runner, rule, schedules)

    assert len(made(runner, rule)) == 1
    assert await next_fire_at(runner, rule) is None


async def test_at_a_limit_a_time_makes_no_run_and_the_next_one_follows(runner: Runner, schedules: Schedules) -> None:
    runner.sample.administration.set_limits(runner.tenant, {Limit.MAX_PENDING: 1})
    rule = await recurring(runner)
    set_back(runner, rule, timedelta(hours=1))

    await tick_until_next(runner, rule, schedules)

    assert made(runner, rule) == []
    assert await next_fire_at(runner, rule) == rule.next_fire_at


async def test_a_run_that_its_rules_input_schema_refuses_is_not_made(runner: Runner, schedules: Schedules) -> None:
    rule = await recurring(runner, input_schema={"required": ["order"]})
    set_back(runner, rule, timedelta(hours=1))

    await tick_until_next(runner, rule, schedules)

    assert made(runner, rule) == []
    assert await next_fire_at(runner, rule) == rule.next_fire_at


async def test_a_jitter_puts_off_the_run_and_not_the_time(runner: Runner, schedules: Schedules) -> None:
    rule = await recurring(runner, {**HOURLY, "jitter_seconds": 1800})

    with psycopg.connect(runner.urls.admin) as admin:
        row = admin.execute(
            "SELECT scheduled_at, fire_at - scheduled_at FROM automation_schedules WHERE rule_id = %s", (rule.rule_id,)
        ).fetchone()

    assert row is not None
    assert row[0] == rule.next_fire_at
    assert timedelta() <= row[1] <= timedelta(seconds=1800)


async def test_each_time_that_is_due_is_another_revision(runner: Runner, schedules: Schedules) -> None:
    rule = await recurring(runner)
    set_back(runner, rule, timedelta(hours=1))
    before = (await runner.rules.get(runner.tenant, rule.rule_id)).revision

    await tick_until_next(runner, rule, schedules)

    assert (await runner.rules.get(runner.tenant, rule.rule_id)).revision != before
