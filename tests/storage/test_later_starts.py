"""A run that is to begin later waits for its time and for nothing else; one that has not begun by a time is skipped."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from automation.domain.errors import RuleInUse, TooManyPending
from automation.domain.executions import ExecutionStatus
from automation.domain.limits import Limit
from automation.domain.rules import ConcurrencyPolicy, Rule, RuleStatus
from automation.domain.start_window import StartWindow
from automation.storage.due import Due
from tests.databases import DatabaseUrls
from tests.storage.locks import somebody_else
from tests.storage.runner import Runner
from tests.storage.samples import Sample

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nothing_is_due(database_urls: DatabaseUrls) -> None:
    """What other tests have left is out of the way."""
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("UPDATE automation_executions SET due_at = NULL, expires_at = NULL")
        admin.execute("DELETE FROM procrastinate.procrastinate_jobs")


def in_an_hour() -> StartWindow:
    return StartWindow(run_at=datetime.now(UTC) + HOUR)


def until_in_an_hour() -> StartWindow:
    return StartWindow(expires_at=datetime.now(UTC) + HOUR)


def pass_an_hour(runner: Runner, execution: UUID) -> None:
    """Let an execution become an hour older."""
    times = ("run_at", "expires_at", "queued_at", "due_at")
    runner.change(execution, ", ".join(f"{name} = {name} - interval '1 hour'" for name in times))


async def swept(due: Due) -> list[UUID]:
    return [each.execution_id for each in await due.sweep(100)]


async def rule_of_one(runner: Runner, policy: ConcurrencyPolicy) -> Rule:
    return await runner.rule(max_concurrent_executions=1, concurrency_policy=policy)


async def test_a_later_run_waits_for_its_time_and_begins_then(runner: Runner, due: Due) -> None:
    execution = await runner.execute(window=in_an_hour())
    early = (runner.jobs(), await swept(due), await runner.claim(execution))
    pass_an_hour(runner, execution)

    found = await swept(due)

    assert early == ([], [], None)
    assert found == [execution]
    assert len(runner.jobs(execution)) == 1
    assert await runner.claim(execution) is not None


async def test_a_time_that_is_over_is_now(runner: Runner) -> None:
    execution = await runner.execute(window=StartWindow(run_at=datetime.now(UTC) - HOUR))

    assert len(runner.jobs(execution)) == 1
    assert await runner.claim(execution) is not None


async def test_its_times_are_shown(runner: Runner) -> None:
    window = StartWindow(run_at=datetime(2100, 1, 2, 3, 4, 5, 6, UTC), expires_at=datetime(2100, 1, 2, 4, tzinfo=UTC))

    document = await runner.document(await runner.execute(window=window))

    assert (document["run_at"], document["expires_at"]) == (
        "2100-01-02T03:04:05.000006Z",
        "2100-01-02T04:00:00.000000Z",
    )


async def test_a_change_of_the_rule_does_not_start_it_before(runner: Runner, due: Due) -> None:
    rule = await runner.rule()
    execution = await runner.execute(rule, window=in_an_hour())
    changed = replace(rule.content, name="Another name")

    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, changed)

    assert await swept(due) == []
    pass_an_hour(runner, execution)
    assert await swept(due) == [execution]


async def test_a_rule_that_is_resumed_before_starts_it_then(runner: Runner, due: Due) -> None:
    rule = await runner.rule(status=RuleStatus.PAUSED)
    execution = await runner.execute(rule, window=in_an_hour())
    active = replace(rule.content, status=RuleStatus.ACTIVE)

    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, active)

    assert await swept(due) == []
    pass_an_hour(runner, execution)
    assert await swept(due) == [execution]


async def test_it_takes_nobodys_turn_in_a_rules_queue_before(runner: Runner) -> None:
    rule = await rule_of_one(runner, ConcurrencyPolicy.QUEUE)
    later = await runner.execute(rule, window=in_an_hour())
    first, second = await runner.execute(rule), await runner.execute(rule)
    claim = await runner.claimed(first)
    runner.take_jobs()

    await runner.runs.finish(claim, ExecutionStatus.COMPLETED)

    assert [job["execution_id"] for job in runner.jobs()] == [str(second)]
    assert await runner.claim(second) is not None
    assert await runner.status(later) is ExecutionStatus.PENDING


async def test_at_its_time_it_comes_after_what_was_asked_for_before_it(runner: Runner) -> None:
    rule = await rule_of_one(runner, ConcurrencyPolicy.QUEUE)
    later = await runner.execute(rule, window=StartWindow(run_at=datetime.now(UTC) + timedelta(seconds=0.2)))
    meanwhile = await runner.execute(rule)
    await asyncio.sleep(0.25)

    assert await runner.claim(later) is None
    assert await runner.claim(meanwhile) is not None


async def test_what_a_tenant_holds_for_long_expires_afterwards_and_keeps_no_other_waiting(
    runner: Runner, theirs: Sample, due: Due
) -> None:
    limited = await rule_of_one(runner, ConcurrencyPolicy.QUEUE)
    held = [await runner.execute(limited, window=until_in_an_hour()) for _ in range(3)]
    other = Runner(theirs, runner.urls, runner.rules, runner.executions, runner.runs)
    execution = await other.execute(window=until_in_an_hour())
    for whose, each in (*((runner, each) for each in held), (other, execution)):
        pass_an_hour(whose, each)

    async with somebody_else(runner) as holder:
        await holder.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR NO KEY UPDATE", (limited.rule_id,))
        ended = await due.expire(100)
        meanwhile = [await runner.status(each) for each in held]
        skipped = await other.status(execution)

    assert (ended, skipped, meanwhile) == (1, "skipped", ["pending"] * 3)
    assert await due.expire(100) == 3
    assert [await runner.status(each) for each in held] == ["skipped"] * 3


async def test_of_what_expired_each_tenants_first_comes_first(runner: Runner, theirs: Sample, due: Due) -> None:
    ours = [await runner.execute(window=until_in_an_hour()) for _ in range(3)]
    other = Runner(theirs, runner.urls, runner.rules, runner.executions, runner.runs)
    execution = await other.execute(window=until_in_an_hour())
    for whose, each in (*((runner, each) for each in ours), (other, execution)):
        pass_an_hour(whose, each)

    await due.expire(2)

    assert await other.status(execution) == "skipped"


async def test_it_cancels_nothing_previous_before(runner: Runner) -> None:
    rule = await rule_of_one(runner, ConcurrencyPolicy.CANCEL_PREVIOUS)
    running = await runner.execute(rule)
    await runner.claimed(running)
    newer = await runner.execute(rule)
    later = await runner.execute(rule, window=in_an_hour())

    await runner.claim(newer)

    assert await runner.status(newer) is ExecutionStatus.PENDING
    assert runner.row(running)["cancel_requested_at"] is not None
    assert await runner.status(later) is ExecutionStatus.PENDING


async def test_it_is_cancelled_like_any_pending_one_and_a_retry_begins_at_once(runner: Runner) -> None:
    window = StartWindow(run_at=datetime.now(UTC) + HOUR, expires_at=datetime.now(UTC) + 2 * HOUR)
    execution = await runner.execute(window=window)

    _, done = await runner.executions.cancel(runner.tenant, execution)
    await runner.executions.retry(runner.tenant, execution, retry_from="start")

    first, second = await runner.attempts(execution)
    document = await runner.document(execution)
    assert done
    assert first["created_at"] == document["created_at"] <= first["completed_at"] <= second["created_at"]
    assert not {"run_at", "expires_at"} & document.keys()
    assert await runner.claim(execution, attempt=2) is not None


async def test_it_counts_as_pending_and_keeps_its_rule(runner: Runner) -> None:
    runner.sample.administration.set_limits(runner.tenant, {Limit.MAX_PENDING: 2})
    rule = await runner.rule()
    await runner.execute(rule, window=in_an_hour())

    with pytest.raises(TooManyPending):
        await runner.execute(rule)
    with pytest.raises(RuleInUse):
        await runner.rules.delete(runner.tenant, rule.rule_id)


async def test_what_has_not_begun_when_it_expires_is_skipped_and_says_so(runner: Runner, due: Due) -> None:
    execution = await runner.execute(window=until_in_an_hour())
    early = await due.expire(100)
    pass_an_hour(runner, execution)

    expired = await due.expire(100)

    document = await runner.document(execution)
    assert (early, expired) == (0, 1)
    assert document["status"] == "skipped"
    assert document["error_message"].startswith("The execution was skipped: it had not begun when it expired, at 20")
    assert [(entry["level"], entry["message"]) for entry in document["logs"]] == [("warn", document["error_message"])]
    assert await due.expire(100) == 0
    assert await runner.claim(execution) is None


async def test_what_expired_is_claimed_by_nobody_though_no_sweep_has_seen_it(runner: Runner) -> None:
    execution = await runner.execute(window=until_in_an_hour())
    pass_an_hour(runner, execution)

    assert await runner.claim(execution) is None
    assert await runner.status(execution) is ExecutionStatus.SKIPPED


async def test_what_has_begun_expires_no_more(runner: Runner, due: Due) -> None:
    claim = await runner.claimed(await runner.execute(window=until_in_an_hour()))
    pass_an_hour(runner, claim.execution_id)

    assert await due.expire(100) == 0
    assert await runner.runs.finish(claim, ExecutionStatus.COMPLETED) is ExecutionStatus.COMPLETED


async def test_what_waited_behind_one_that_expired_is_woken(runner: Runner, due: Due) -> None:
    rule = await rule_of_one(runner, ConcurrencyPolicy.QUEUE)
    first, behind = await runner.execute(rule, window=until_in_an_hour()), await runner.execute(rule)
    pass_an_hour(runner, first)
    assert await runner.claim(behind) is None
    runner.take_jobs()

    await due.expire(100)

    assert [job["execution_id"] for job in runner.jobs()] == [str(behind)]
    assert await runner.claim(behind) is not None


async def test_of_a_paused_rule_too_what_expires_is_skipped(runner: Runner, due: Due) -> None:
    rule = await runner.rule(status=RuleStatus.PAUSED)
    execution = await runner.execute(rule, window=until_in_an_hour())
    pass_an_hour(runner, execution)

    await due.expire(100)

    assert await runner.status(execution) is ExecutionStatus.SKIPPED
