"""Executions are created, retried and cancelled together with their jobs, or not at all."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from automation.domain.errors import (
    ExecutionFinished,
    ExecutionNotFound,
    ExecutionNotRetriable,
    RetriesExhausted,
    RuleDeleted,
    RuleInUse,
    RuleNotActive,
    RuleNotFound,
)
from automation.domain.executions import RETRIABLE, ExecutionStatus
from automation.domain.rules import RuleStatus
from automation.storage.runs import ActionDone, CallBegins, Claim, Outcome, Runs, TryFailed
from tests.storage.runner import BEGINNING, Runner, entry, told
from tests.storage.samples import Sample, a_content

HOUR = timedelta(hours=1)


async def test_a_new_execution_is_pending_and_has_a_job(runner: Runner) -> None:
    rule = await runner.rule()

    created = await runner.executions.create(
        runner.tenant, runner.sample.user, rule.rule_id, trigger_data={"a": [1, None]}, override_conditions=True
    )
    document = json.loads(created.json)

    assert (created.status, created.automation_rule_id) == (ExecutionStatus.PENDING, rule.rule_id)
    assert (document["rule_version"], document["attempt"], document["actions_total"]) == (1, 1, 2)
    assert document["trigger_data"] == {"a": [1, None]}
    assert not {"started_at", "logs", "execution_context"} & document.keys()
    assert document == await runner.document(created.execution_id)
    assert runner.row(created.execution_id)["created_by"] == runner.sample.user
    assert runner.row(created.execution_id)["override_conditions"]
    assert runner.jobs() == [{"tenant": str(runner.tenant), "execution_id": str(created.execution_id), "attempt": 1}]


async def test_an_execution_may_have_no_payload(runner: Runner) -> None:
    rule = await runner.rule()

    created = await runner.executions.create(
        runner.tenant, runner.sample.user, rule.rule_id, trigger_data=None, override_conditions=False
    )

    assert "trigger_data" not in json.loads(created.json)
    assert (await runner.claimed(created.execution_id)).execution.trigger_data is None


async def test_an_execution_pins_the_version_that_it_was_created_with(runner: Runner) -> None:
    rule = await runner.rule(name="old")
    execution = await runner.execute(rule)
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(name="new"))

    claim = await runner.claimed(execution)
    later = await runner.claimed(await runner.execute(rule))

    assert (claim.rule.version, claim.rule.content.name) == (1, "old")
    assert (later.rule.version, later.rule.content.name) == (2, "new")


@pytest.mark.parametrize("status", sorted(set(RuleStatus) - {RuleStatus.ACTIVE, RuleStatus.PAUSED}))
async def test_a_rule_that_is_not_active_is_not_executed(runner: Runner, status: RuleStatus) -> None:
    rule = await runner.rule(status=status)

    with pytest.raises(RuleNotActive):
        await runner.execute(rule)
    assert runner.jobs() == []


async def test_a_deleted_rule_is_not_executed(runner: Runner) -> None:
    rule = await runner.rule()
    await runner.rules.delete(runner.tenant, rule.rule_id)

    with pytest.raises(RuleDeleted):
        await runner.execute(rule)


async def test_a_rule_of_another_tenant_is_not_found(runner: Runner, theirs: Sample) -> None:
    with pytest.raises(RuleNotFound):
        await runner.execute(theirs.rule)


async def test_what_is_not_ones_own_is_not_found(runner: Runner, theirs: Sample) -> None:
    for execution in (uuid4(), theirs.execution.execution_id):
        for change in (
            runner.executions.retry(runner.tenant, execution, retry_from="start"),
            runner.executions.cancel(runner.tenant, execution),
            runner.attempts(execution),
        ):
            with pytest.raises(ExecutionNotFound):
                await change


async def test_a_retry_is_the_next_attempt_from_the_start(runner: Runner) -> None:
    execution = await runner.failed(1, keep_call_key=True)
    runner.take_jobs()

    retried = json.loads((await runner.executions.retry(runner.tenant, execution, retry_from="start")).json)
    claim = await runner.claimed(execution, attempt=2)

    assert (retried["status"], retried["attempt"]) == ("pending", 2)
    assert (retried["actions_successful"], retried["actions_failed"], retried["actions_total"]) == (0, 0, 2)
    assert {retried[name] for name in ("completed_at", "duration_ms", "error_message", "error_stack")} == {None}
    assert not {"started_at", "logs", "execution_context"} & retried.keys()
    assert runner.jobs() == [{"tenant": str(runner.tenant), "execution_id": str(execution), "attempt": 2}]
    assert (claim.execution.next_action, claim.execution.results, claim.execution.call_key) == (0, {}, None)
    assert (claim.execution.retry_from, claim.execution.taken_over) == ("start", False)
    assert claim.execution.deadline_at > claim.execution.started_at


async def test_a_retry_from_the_failed_action_keeps_what_was_done_before(runner: Runner) -> None:
    execution = await runner.failed(1)

    await runner.executions.retry(runner.tenant, execution, retry_from="failed_action")
    claim = await runner.claimed(execution, attempt=2)

    assert (claim.execution.next_action, claim.execution.results) == (1, {0: {"action": 0}})
    assert (claim.execution.actions_successful, claim.execution.retry_from) == (0, "failed_action")


@pytest.mark.parametrize(("retry_from", "kept"), [("failed_action", True), ("start", False)])
@pytest.mark.parametrize("unknown", [False, True])
async def test_a_call_of_unknown_outcome_keeps_its_key_where_it_is_tried_again(
    runner: Runner, retry_from: str, kept: bool, unknown: bool
) -> None:
    claim = await runner.claimed()
    key = uuid4()
    await runner.runs.write(claim, ActionDone(index=0, result=None, failed=False))
    await runner.runs.write(claim, CallBegins(lease=15, tries=1, call_key=key))
    await runner.runs.finish(claim, ExecutionStatus.FAILED, failed_action_index=1, keep_call_key=unknown)

    await runner.executions.retry(runner.tenant, claim.execution_id, retry_from=retry_from)
    again = await runner.claimed(claim.execution_id, attempt=2)

    assert again.execution.call_key == (key if kept and unknown else None)


@pytest.mark.parametrize("status", sorted(set(ExecutionStatus) - RETRIABLE))
async def test_what_came_to_a_good_end_or_to_none_is_not_retried(runner: Runner, status: ExecutionStatus) -> None:
    execution = runner.sample.add_execution(status=status).execution_id

    with pytest.raises(ExecutionNotRetriable):
        await runner.executions.retry(runner.tenant, execution, retry_from="start")


async def test_an_execution_is_retried_a_hundred_times_and_no_more(runner: Runner) -> None:
    execution = await runner.failed()
    runner.change(execution, "attempt = 100")
    await runner.executions.retry(runner.tenant, execution, retry_from="start")
    runner.change(execution, "status = 'failed'")

    with pytest.raises(RetriesExhausted):
        await runner.executions.retry(runner.tenant, execution, retry_from="start")

    assert runner.row(execution)["attempt"] == 101


async def test_of_many_retries_at_once_one_succeeds(runner: Runner) -> None:
    execution = await runner.failed()

    answers = await asyncio.gather(
        *(runner.executions.retry(runner.tenant, execution, retry_from="start") for _ in range(8)),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, ExecutionNotRetriable) for answer in answers) == 7
    assert (await runner.document(execution))["attempt"] == 2


async def test_every_attempt_has_its_own_times_counters_error_and_logs(runner: Runner) -> None:
    execution = await runner.failed(1)
    before = await runner.document(execution)
    await runner.executions.retry(runner.tenant, execution, retry_from="start")
    claim = await runner.claimed(execution, attempt=2)
    await runner.runs.log(claim, told(entry("once more")))

    first, second = await runner.attempts(execution)
    document = await runner.document(execution)

    shared = first.keys() & before.keys()
    assert {name: first[name] for name in shared} == {name: before[name] for name in shared}
    assert (first["attempt"], first["status"], first["error_message"]) == (1, "failed", "It broke.")
    assert [log["message"] for log in first["logs"]] == [BEGINNING, "failed"]
    assert (second["attempt"], second["status"], second["actions_failed"]) == (2, "running", 0)
    assert second["created_at"] > first["created_at"] == document["created_at"]
    assert [log["message"] for log in second["logs"]][1:] == ["once more"]
    assert document["logs"] == second["logs"]


async def test_an_execution_without_a_retry_has_one_attempt(runner: Runner) -> None:
    execution = await runner.execute()
    document = await runner.document(execution)

    (attempt,) = await runner.attempts(execution)

    assert attempt == {name: document[name] for name in attempt}


async def test_a_pending_execution_is_cancelled_at_once(runner: Runner) -> None:
    execution = await runner.execute()

    cancelled, at_once = await runner.executions.cancel(runner.tenant, execution)
    document = json.loads(cancelled.json)

    assert at_once
    assert document["status"] == "cancelled"
    assert document["completed_at"]
    assert "cancelled" in document["logs"][0]["message"]
    assert await runner.claim(execution) is None


async def test_a_waiting_execution_is_cancelled_at_once(runner: Runner) -> None:
    claim = await runner.claimed()
    await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + HOUR)

    _, at_once = await runner.executions.cancel(runner.tenant, claim.execution_id)

    assert at_once
    assert await runner.status(claim.execution_id) is ExecutionStatus.CANCELLED


async def test_one_whose_worker_is_gone_is_cancelled_at_once(runner: Runner) -> None:
    claim = await runner.claimed()
    runner.expire(claim.execution_id)

    _, at_once = await runner.executions.cancel(runner.tenant, claim.execution_id)

    assert at_once
    assert not await runner.runs.finish(claim, ExecutionStatus.COMPLETED)


async def test_a_running_execution_is_asked_to_stop(runner: Runner) -> None:
    claim = await runner.claimed()

    answers = [await runner.executions.cancel(runner.tenant, claim.execution_id) for _ in range(2)]

    assert [(document.status, at_once) for document, at_once in answers] == [(ExecutionStatus.RUNNING, False)] * 2
    assert await runner.runs.finish(claim, ExecutionStatus.CANCELLED)


async def test_what_was_cancelled_is_cancelled_once_more_to_no_effect(runner: Runner) -> None:
    execution = await runner.execute()
    first, _ = await runner.executions.cancel(runner.tenant, execution)
    before = runner.row(execution)

    again, at_once = await runner.executions.cancel(runner.tenant, execution)

    assert (again, at_once) == (first, True)
    assert runner.row(execution) == before


@pytest.mark.parametrize("status", ["completed", "failed", "skipped", "timeout"])
async def test_an_execution_that_has_ended_otherwise_cannot_be_cancelled(runner: Runner, status: str) -> None:
    execution = runner.sample.add_execution(status=ExecutionStatus(status)).execution_id

    with pytest.raises(ExecutionFinished):
        await runner.executions.cancel(runner.tenant, execution)


HEARD: Mapping[str, Callable[[Runs, Claim], Awaitable[object]]] = {
    "begin_call": lambda runs, claim: runs.write(claim, CallBegins(lease=15, tries=0, call_key=uuid4())),
    "log": lambda runs, claim: runs.log(claim, told(entry())),
    "record_action": lambda runs, claim: runs.write(claim, ActionDone(index=0, result={}, failed=False)),
    "record_try": lambda runs, claim: runs.write(claim, TryFailed(tries=1, keep_call_key=True)),
    "release": lambda runs, claim: runs.release(claim),
    "wait": lambda runs, claim: runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + HOUR),
}


@pytest.mark.parametrize("name", sorted(HEARD))
async def test_every_write_of_a_run_hears_of_a_cancel(runner: Runner, name: str) -> None:
    claim = await runner.claimed()
    await runner.executions.cancel(runner.tenant, claim.execution_id)

    heard = await HEARD[name](runner.runs, claim)

    assert heard is Outcome.CANCELLED


@pytest.mark.parametrize("name", ["begin_call", "release", "wait"])
async def test_what_would_begin_or_give_the_run_up_stores_nothing_after_a_cancel(runner: Runner, name: str) -> None:
    claim = await runner.claimed()
    await runner.executions.cancel(runner.tenant, claim.execution_id)
    before = runner.row(claim.execution_id)

    await HEARD[name](runner.runs, claim)

    assert runner.row(claim.execution_id) == before


async def test_no_call_begins_when_the_executions_time_is_over(runner: Runner) -> None:
    claim = await runner.claimed()
    runner.change(claim.execution_id, "deadline_at = now() - interval '1 second'")

    heard = await HEARD["begin_call"](runner.runs, claim)

    assert heard is Outcome.OUT_OF_TIME
    assert runner.row(claim.execution_id)["call_key"] is None


@pytest.mark.parametrize("status", sorted(set(ExecutionStatus) - {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}))
async def test_after_a_cancel_there_is_one_end_and_its_reason(runner: Runner, status: ExecutionStatus) -> None:
    claim = await runner.claimed()
    await runner.executions.cancel(runner.tenant, claim.execution_id)

    ends = [
        await runner.runs.finish(claim, status, error_message="It broke.", logs=told(entry("one")), last=entry("two"))
        for _ in range(2)
    ]
    document = await runner.document(claim.execution_id)

    assert ends == [ExecutionStatus.CANCELLED] * 2
    assert (document["status"], document["error_message"]) == ("cancelled", None)
    assert [log["message"] for log in document["logs"]] == [
        BEGINNING,
        "one",
        "The execution was cancelled by a user.",
    ]


async def test_a_failure_after_a_cancel_is_counted(runner: Runner) -> None:
    claim = await runner.claimed()
    await runner.executions.cancel(runner.tenant, claim.execution_id)

    await runner.runs.finish(claim, ExecutionStatus.FAILED, failed_action_index=0)
    document = await runner.document(claim.execution_id)

    assert (document["status"], document["actions_failed"]) == ("cancelled", 1)


async def test_an_end_that_had_to_wait_is_timed_when_it_is_written(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1)
    execution = await runner.execute(rule)
    async with await psycopg.AsyncConnection.connect(runner.urls.admin) as holding:
        await holding.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR UPDATE", (rule.rule_id,))
        cancel = asyncio.create_task(runner.executions.cancel(runner.tenant, execution))
        await _blocked(runner)
        released = await (await holding.execute("SELECT clock_timestamp()")).fetchone()
    await cancel
    document = await runner.document(execution)

    assert released is not None
    told_at = datetime.fromisoformat(document["logs"][-1]["timestamp"])
    assert released[0] <= told_at <= datetime.fromisoformat(document["completed_at"])


async def test_an_attempt_that_had_to_wait_for_its_rule_starts_when_its_claim_is_written(runner: Runner) -> None:
    rule = await runner.rule(max_concurrent_executions=1)
    execution = await runner.execute(rule)
    async with await psycopg.AsyncConnection.connect(runner.urls.admin) as holding:
        await holding.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR UPDATE", (rule.rule_id,))
        claim = asyncio.create_task(runner.claimed(execution))
        await _blocked(runner)
        released = await (await holding.execute("SELECT clock_timestamp()")).fetchone()
    started_at = (await claim).execution.started_at
    document = await runner.document(execution)

    assert released is not None
    assert released[0] <= started_at <= datetime.fromisoformat(document["logs"][0]["timestamp"])


async def test_a_retry_that_had_to_wait_is_queued_after_the_end_that_it_waited_for(runner: Runner) -> None:
    execution = await runner.failed()
    rule = runner.row(execution)["automation_rule_id"]
    async with await psycopg.AsyncConnection.connect(runner.urls.admin) as holding:
        await holding.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR UPDATE", (rule,))
        retry = asyncio.create_task(runner.executions.retry(runner.tenant, execution, retry_from="start"))
        await _blocked(runner)
        released = await (await holding.execute("SELECT clock_timestamp()")).fetchone()
    await retry

    assert released is not None
    assert released[0] <= runner.row(execution)["queued_at"]


async def test_an_execution_of_a_deleted_rule_is_not_retried(runner: Runner) -> None:
    execution = await runner.failed()
    await runner.rules.delete(runner.tenant, runner.row(execution)["automation_rule_id"])

    with pytest.raises(RuleDeleted):
        await runner.executions.retry(runner.tenant, execution, retry_from="start")

    assert await runner.status(execution) is ExecutionStatus.FAILED


async def test_a_retry_waits_for_a_deletion_that_came_first_and_is_refused(runner: Runner) -> None:
    execution = await runner.failed()
    rule = runner.row(execution)["automation_rule_id"]
    async with await psycopg.AsyncConnection.connect(runner.urls.admin) as deleting:
        await deleting.execute("SELECT FROM automation_rules WHERE rule_id = %s FOR UPDATE", (rule,))
        retry = asyncio.create_task(runner.executions.retry(runner.tenant, execution, retry_from="start"))
        await _blocked(runner)
        await deleting.execute("UPDATE automation_rules SET deleted_at = now() WHERE rule_id = %s", (rule,))

    with pytest.raises(RuleDeleted):
        await retry


async def test_a_deletion_waits_for_a_retry_that_came_first_and_is_refused(runner: Runner) -> None:
    execution = await runner.failed()
    rule = runner.row(execution)["automation_rule_id"]
    async with await psycopg.AsyncConnection.connect(runner.urls.api) as retrying:
        await retrying.execute(
            "SELECT FROM retry_execution_v1(%s, %s, 'start', 'original', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
            (runner.tenant, execution),
        )
        deletion = asyncio.create_task(runner.rules.delete(runner.tenant, rule))
        await _blocked(runner)

    with pytest.raises(RuleInUse):
        await deletion


async def test_of_a_retry_and_a_deletion_at_once_one_is_refused(runner: Runner) -> None:
    outcomes = set()
    for _ in range(10):
        execution = await runner.failed()
        rule = runner.row(execution)["automation_rule_id"]

        retry, deletion = await asyncio.gather(
            runner.executions.retry(runner.tenant, execution, retry_from="start"),
            runner.rules.delete(runner.tenant, rule),
            return_exceptions=True,
        )
        deleted = (await runner.rules.get(runner.tenant, rule)).deleted_at is not None
        outcomes.add((isinstance(retry, RuleDeleted), isinstance(deletion, RuleInUse), deleted))

    assert outcomes <= {(True, False, True), (False, True, False)}


async def _blocked(runner: Runner) -> None:
    """Wait until a statement waits for another one's lock."""
    query = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    async with await psycopg.AsyncConnection.connect(runner.urls.admin, autocommit=True) as admin, asyncio.timeout(5):
        while await (await admin.execute(query)).fetchone() != (True,):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.01)
