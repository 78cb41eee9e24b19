"""Only one worker has an execution, and who lost it writes nothing more."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import RuleAction
from automation.storage.runs import ActionDone, CallBegins, Turn
from tests.storage.claimed_writes import WRITES
from tests.storage.runner import Runner
from tests.storage.samples import Sample, a_content


async def test_a_claim_brings_what_a_run_needs(runner: Runner) -> None:
    content = a_content(
        trigger_config={"b": 1, "a": [None]},
        conditions=({"field": "trigger.total", "operator": "greater_than", "value": 1.5},),
        actions=(RuleAction(type="wait", config={"seconds": 1}, retry_attempts=2, continue_on_error=True),),
        execution_timeout_seconds=60,
        max_concurrent_executions=3,
    )
    rule = await runner.rules.create(runner.tenant, runner.sample.user, content)
    execution = await runner.execute(rule, total=2, text="漢字")

    claim = await runner.claimed(execution)

    assert (claim.tenant, claim.execution_id, claim.attempt, claim.fence) == (runner.tenant, execution, 1, 1)
    assert (claim.rule.rule_id, claim.rule.version, claim.rule.content) == (rule.rule_id, 1, content)
    state = claim.execution
    assert state.trigger_data == {"total": 2, "text": "漢字"}
    assert (state.results, state.next_action, state.tries, state.call_key) == ({}, 0, 0, None)
    assert (state.actions_total, state.actions_successful, state.actions_failed) == (1, 0, 0)
    assert (state.waited, state.taken_over, state.override_conditions, state.retry_from) == (False, False, False, None)
    assert state.deadline_at - state.started_at == timedelta(seconds=60)
    assert state.created_at <= state.started_at


async def test_a_claimed_execution_runs(runner: Runner) -> None:
    claim = await runner.claimed()

    document = await runner.document(claim.execution_id)

    assert document["status"] == "running"
    assert datetime.fromisoformat(document["started_at"]) == claim.execution.started_at


async def test_of_many_claims_at_once_one_succeeds(runner: Runner) -> None:
    execution = await runner.execute()

    claims = await asyncio.gather(*(runner.claim(execution) for _ in range(20)))

    assert [claim.fence for claim in claims if claim] == [1]


async def test_a_job_of_a_former_attempt_claims_nothing(runner: Runner) -> None:
    execution = await runner.failed()
    await runner.executions.retry(runner.tenant, execution, retry_from="start")
    runner.take_jobs()

    assert await runner.claim(execution, attempt=1) is None
    assert await runner.claim(execution, attempt=2) is not None


async def test_nobody_claims_an_execution_of_another_tenant(runner: Runner, theirs: Sample) -> None:
    execution = await runner.execute()

    assert await runner.runs.claim(Turn(theirs.tenant, execution, 1), lease=15) is None


@pytest.mark.parametrize("status", sorted(set(ExecutionStatus) - {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}))
async def test_an_execution_that_has_ended_is_not_claimed(runner: Runner, status: ExecutionStatus) -> None:
    execution = runner.sample.add_execution(status=status).execution_id

    assert await runner.claim(execution) is None


async def test_a_lease_that_ran_out_is_taken_over_in_the_same_attempt(runner: Runner) -> None:
    first = await runner.claimed()
    key = uuid4()
    await runner.runs.write(first, ActionDone(index=0, result={"n": 1}, failed=False))
    await runner.runs.write(first, CallBegins(lease=15, tries=2, call_key=key))
    runner.expire(first.execution_id)

    second = await runner.claimed(first.execution_id)

    assert (second.attempt, second.fence, second.execution.taken_over) == (1, 2, True)
    assert (second.execution.next_action, second.execution.tries, second.execution.call_key) == (1, 2, key)
    assert second.execution.results == {0: {"n": 1}}
    assert second.execution.started_at == first.execution.started_at
    assert second.execution.deadline_at == first.execution.deadline_at


async def test_a_lease_that_holds_is_not_taken_over(runner: Runner) -> None:
    claim = await runner.claimed()

    assert await runner.claim(claim.execution_id) is None


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_who_was_taken_over_writes_nothing(runner: Runner, name: str) -> None:
    first = await runner.claimed()
    runner.expire(first.execution_id)
    await runner.claimed(first.execution_id)
    before = runner.row(first.execution_id)

    done = await WRITES[name](runner.runs, first)

    assert not done
    assert runner.row(first.execution_id) == before


@pytest.mark.parametrize("name", sorted(set(WRITES) - {"wait"}))
async def test_who_gave_the_execution_up_for_a_wait_writes_nothing(runner: Runner, name: str) -> None:
    claim = await runner.claimed()
    await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(hours=1))
    before = runner.row(claim.execution_id)

    done = await WRITES[name](runner.runs, claim)

    assert not done
    assert runner.row(claim.execution_id) == before


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_nothing_is_written_after_the_end(runner: Runner, name: str) -> None:
    claim = await runner.claimed()
    await runner.runs.finish(claim, ExecutionStatus.FAILED)
    before = runner.row(claim.execution_id)

    done = await WRITES[name](runner.runs, claim)

    assert not done
    assert runner.row(claim.execution_id) == before


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_a_worker_that_is_late_but_was_not_taken_over_goes_on(runner: Runner, name: str) -> None:
    claim = await runner.claimed()
    runner.expire(claim.execution_id)

    assert await WRITES[name](runner.runs, claim)


async def test_a_lease_is_renewed_once_a_third_of_it_is_gone(runner: Runner) -> None:
    claim = await runner.claimed(lease=30)
    granted = runner.row(claim.execution_id)["lease_until"]

    await runner.runs.renew(claim, lease=30)
    soon = runner.row(claim.execution_id)["lease_until"]
    runner.change(claim.execution_id, "lease_until = lease_until - interval '11 seconds'")
    await runner.runs.renew(claim, lease=30)
    later = runner.row(claim.execution_id)

    assert soon == granted
    assert later["lease_until"] > granted
    assert later["due_at"] == later["lease_until"]


@pytest.mark.parametrize("renew", ["begin_call", "renew"])
@pytest.mark.parametrize("gone", [0, 9, 11, 29, 31])
async def test_two_thirds_of_a_lease_are_left_at_least_when_it_was_renewed(
    runner: Runner, *, renew: str, gone: int
) -> None:
    claim = await runner.claimed(lease=30)
    runner.change(claim.execution_id, f"lease_until = lease_until - interval '{gone} seconds'")
    asked = datetime.now(UTC)

    if renew == "renew":
        await runner.runs.renew(claim, lease=30)
    else:
        await runner.runs.write(claim, CallBegins(lease=30, tries=0, call_key=uuid4()))

    assert runner.row(claim.execution_id)["lease_until"] >= asked + timedelta(seconds=20)


async def test_a_renewal_tells_of_a_cancellation_and_of_the_deadline(runner: Runner) -> None:
    claim = await runner.claimed()

    calm = await runner.runs.renew(claim, lease=15)
    await runner.executions.cancel(runner.tenant, claim.execution_id)
    runner.change(claim.execution_id, "deadline_at = now() - interval '1 second'")
    heard = await runner.runs.renew(claim, lease=15)

    assert calm is not None
    assert heard is not None
    assert (calm.cancel_requested, calm.deadline_passed) == (False, False)
    assert (heard.cancel_requested, heard.deadline_passed) == (True, True)


async def test_what_is_handed_back_is_claimed_at_once(runner: Runner) -> None:
    claim = await runner.claimed()
    runner.take_jobs()

    released = await runner.runs.release(claim)
    jobs = runner.jobs(claim.execution_id)
    successor = await runner.claimed(claim.execution_id)

    assert released
    assert [job["attempt"] for job in jobs] == [1]
    assert (successor.fence, successor.execution.taken_over) == (2, True)


async def test_workers_that_are_lost_one_after_the_other_are_counted(runner: Runner) -> None:
    claim = await runner.claimed()
    lost = [claim.execution.lost_workers]

    for _ in range(2):
        runner.expire(claim.execution_id)
        claim = await runner.claimed(claim.execution_id)
        lost.append(claim.execution.lost_workers)

    assert lost == [0, 1, 2]


@pytest.mark.parametrize(("name", "lost"), [("record_action", 1), ("release", 0), ("wait", 0), ("record_try", 2)])
async def test_workers_are_counted_anew_once_the_run_went_on_or_was_handed_back(
    runner: Runner, *, name: str, lost: int
) -> None:
    first = await runner.claimed()
    runner.expire(first.execution_id)
    second = await runner.claimed(first.execution_id)

    await WRITES[name](runner.runs, second)
    if name.startswith("record"):
        runner.expire(first.execution_id)
    elif name == "wait":
        runner.change(first.execution_id, "resume_at = now() - interval '1 second'")
    third = await runner.claimed(first.execution_id)

    assert third.execution.lost_workers == lost


async def test_no_worker_of_a_former_attempt_counts(runner: Runner) -> None:
    first = await runner.claimed()
    runner.expire(first.execution_id)
    await runner.runs.finish(await runner.claimed(first.execution_id), ExecutionStatus.FAILED)

    await runner.executions.retry(runner.tenant, first.execution_id, retry_from="start")
    retried = await runner.claimed(first.execution_id, attempt=2)

    assert retried.execution.lost_workers == 0


async def test_a_wait_that_is_over_goes_on_and_counts(runner: Runner) -> None:
    claim = await runner.claimed()
    await runner.runs.wait(
        claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(seconds=60), result={"until": "then"}
    )

    early = await runner.claim(claim.execution_id)
    waiting = await runner.document(claim.execution_id)
    runner.change(claim.execution_id, "resume_at = now() - interval '1 second'")
    woken = await runner.claimed(claim.execution_id)

    assert early is None
    assert (waiting["status"], waiting["actions_successful"]) == ("running", 0)
    assert (woken.fence, woken.execution.waited, woken.execution.taken_over) == (2, True, False)
    assert (woken.execution.next_action, woken.execution.actions_successful) == (1, 1)
    assert woken.execution.results == {0: {"until": "then"}}


@pytest.mark.parametrize("held", [False, True], ids=["waiting", "worker gone"])
async def test_an_execution_whose_time_is_over_while_nobody_holds_it_times_out(runner: Runner, held: bool) -> None:
    claim = await runner.claimed()
    if held:
        runner.expire(claim.execution_id)
    else:
        await runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(hours=1))
    runner.change(claim.execution_id, "deadline_at = now() - interval '1 second'")

    again = await runner.claim(claim.execution_id)
    document = await runner.document(claim.execution_id)

    assert again is None
    assert document["status"] == "timeout"
    assert "3600 s" in document["error_message"]
    assert document["completed_at"]
    assert document["logs"][-1]["level"] == "error"


async def test_one_that_was_cancelled_before_its_worker_died_is_cancelled_and_not_run(runner: Runner) -> None:
    claim = await runner.claimed()
    _, at_once = await runner.executions.cancel(runner.tenant, claim.execution_id)
    runner.expire(claim.execution_id)

    again = await runner.claim(claim.execution_id)

    assert not at_once
    assert again is None
    assert await runner.status(claim.execution_id) is ExecutionStatus.CANCELLED
