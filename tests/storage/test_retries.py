"""Every end that was no good one can be retried: from the start or from where it stopped, with either version."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from automation.domain.errors import ActionsChanged, RuleNotActive
from automation.domain.executions import RETRIABLE, ExecutionStatus
from automation.domain.rules import Rule, RuleAction, RuleStatus
from automation.storage.runs import ActionDone, CallBegins, Claim
from tests.storage.runner import Runner
from tests.storage.samples import a_content

HOUR = timedelta(hours=1)
CALLS = tuple(
    RuleAction(type="webhook_call", config={"method": "POST", "url": f"https://receiver.example/{place}"})
    for place in range(3)
)


async def begun(runner: Runner, *, done: int = 1, rule: Rule | None = None) -> tuple[Claim, UUID]:
    """Run an execution until a call is under way, after so many actions; return its claim and the call's key."""
    claim = await runner.claimed(await runner.execute(rule or await runner.rule(actions=CALLS), a=1))
    for index in range(done):
        await runner.runs.write(claim, ActionDone(index=index, result={"action": index}, failed=False))
    key = uuid4()
    await runner.runs.write(claim, CallBegins(lease=15, tries=0, call_key=key))
    return claim, key


async def cut_off_by_a_cancel(runner: Runner, claim: Claim) -> None:
    """Have a run cancelled by its worker."""
    await runner.executions.cancel(runner.tenant, claim.execution_id)
    await runner.runs.finish(claim, ExecutionStatus.CANCELLED, keep_call_key=True)


async def cut_off_by_a_cancel_without_a_worker(runner: Runner, claim: Claim) -> None:
    """Have a run cancelled whose worker is gone."""
    runner.expire(claim.execution_id)
    await runner.executions.cancel(runner.tenant, claim.execution_id)


async def cut_off_by_the_clock(runner: Runner, claim: Claim) -> None:
    """Have a run's time be over by its worker's clock."""
    await runner.runs.finish(claim, ExecutionStatus.TIMEOUT, error_message="It is over.", keep_call_key=True)


async def cut_off_by_the_clock_without_a_worker(runner: Runner, claim: Claim) -> None:
    """Have a run's time be over whose worker is gone."""
    runner.expire(claim.execution_id)
    runner.change(claim.execution_id, "deadline_at = now() - interval '1 second'")
    assert await runner.claim(claim.execution_id) is None


ENDS: Mapping[str, Callable[[Runner, Claim], Awaitable[None]]] = {
    end.__name__: end
    for end in (
        cut_off_by_a_cancel,
        cut_off_by_a_cancel_without_a_worker,
        cut_off_by_the_clock,
        cut_off_by_the_clock_without_a_worker,
    )
}


async def retry(runner: Runner, execution: UUID, retry_from: str, **how: Any) -> Claim:
    """Retry an execution, and return the claim of its second attempt."""
    await runner.executions.retry(runner.tenant, execution, retry_from=retry_from, **how)
    return await runner.claimed(execution, attempt=2)


@pytest.mark.parametrize("status", sorted(RETRIABLE))
async def test_every_end_that_was_no_good_one_is_retried(runner: Runner, status: ExecutionStatus) -> None:
    execution = runner.sample.add_execution(status=status).execution_id

    retried = await runner.executions.retry(runner.tenant, execution, retry_from="start")

    assert (retried.status, json.loads(retried.json)["attempt"]) == (ExecutionStatus.PENDING, 2)


@pytest.mark.parametrize("end", sorted(ENDS))
async def test_what_was_cut_off_goes_on_with_the_call_that_was_under_way(runner: Runner, end: str) -> None:
    claim, key = await begun(runner)
    await ENDS[end](runner, claim)

    again = await retry(runner, claim.execution_id, "failed_action")

    state = again.execution
    assert (state.next_action, state.results, state.call_key) == (1, {0: {"action": 0}}, key)


@pytest.mark.parametrize("end", sorted(ENDS))
async def test_from_the_start_all_is_done_again_by_new_calls(runner: Runner, end: str) -> None:
    claim, _ = await begun(runner)
    await ENDS[end](runner, claim)

    again = await retry(runner, claim.execution_id, "start")

    assert (again.execution.next_action, again.execution.results, again.execution.call_key) == (0, {}, None)


@pytest.mark.parametrize(("left", "next_action"), [(HOUR, 1), (-HOUR, 2)])
async def test_a_wait_begins_anew_unless_it_was_over(runner: Runner, left: timedelta, next_action: int) -> None:
    claim, _ = await begun(runner, done=1)
    await runner.runs.wait(claim, next_action=2, resume_at=datetime.now(UTC) + left, result={"until": "then"})
    await runner.executions.cancel(runner.tenant, claim.execution_id)

    again = await retry(runner, claim.execution_id, "failed_action")

    assert again.execution.next_action == next_action
    assert again.execution.results.keys() == set(range(next_action))


async def test_what_was_not_begun_is_begun_and_its_conditions_are_evaluated(runner: Runner) -> None:
    execution = await runner.execute(a=1)
    await runner.executions.cancel(runner.tenant, execution)

    again = await retry(runner, execution, "failed_action")

    assert (again.execution.next_action, again.execution.retry_from) == (0, "start")


async def test_conditions_that_could_not_be_evaluated_are_evaluated_again(runner: Runner) -> None:
    claim = await runner.claimed()
    await runner.runs.finish(claim, ExecutionStatus.FAILED, error_message="The conditions could not be evaluated.")

    again = await retry(runner, claim.execution_id, "failed_action")

    assert again.execution.retry_from == "start"


async def test_conditions_that_were_met_are_not_evaluated_again(runner: Runner) -> None:
    claim, _ = await begun(runner, done=0)
    await cut_off_by_a_cancel(runner, claim)
    again = await retry(runner, claim.execution_id, "failed_action")
    await cut_off_by_a_cancel(runner, again)
    await runner.executions.retry(runner.tenant, claim.execution_id, retry_from="failed_action")

    third = await runner.claimed(claim.execution_id, attempt=3)

    assert (again.execution.retry_from, third.execution.retry_from) == ("failed_action", "failed_action")


async def test_other_data_is_another_call_and_the_old_data_stay_with_their_attempt(runner: Runner) -> None:
    claim, _ = await begun(runner, done=0)
    await cut_off_by_a_cancel(runner, claim)

    again = await retry(runner, claim.execution_id, "start", trigger_data={"a": 2})
    listed = await runner.attempts(claim.execution_id)

    assert (again.execution.trigger_data, again.execution.call_key) == ({"a": 2}, None)
    assert [attempt.get("trigger_data") for attempt in listed] == [{"a": 1}, None]


@pytest.mark.parametrize(("which", "version"), [("original", 1), ("latest", 2)])
@pytest.mark.parametrize("retry_from", ["start", "failed_action"])
async def test_it_runs_the_version_that_was_asked_for(
    runner: Runner, retry_from: str, which: str, version: int
) -> None:
    rule = await runner.rule(actions=CALLS)
    claim, _ = await begun(runner, rule=rule)
    await cut_off_by_a_cancel(runner, claim)
    mended = a_content(
        actions=(CALLS[0], replace(CALLS[1], config={"method": "PUT", "url": "https://mended.example/"}))
    )
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, mended)

    again = await retry(runner, claim.execution_id, retry_from, rule_version=which)
    document = await runner.document(claim.execution_id)
    attempts = await runner.attempts(claim.execution_id)

    assert (again.rule.version, again.execution.actions_total) == (version, 4 - version)
    assert (document["rule_version"], document["actions_total"]) == (version, 4 - version)
    assert [attempt["rule_version"] for attempt in attempts] == [1, version]


async def test_the_key_of_a_call_stays_in_a_version_with_the_same_action(runner: Runner) -> None:
    rule = await runner.rule(actions=CALLS)
    claim, key = await begun(runner, rule=rule)
    await cut_off_by_a_cancel(runner, claim)
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(actions=CALLS[:2]))

    again = await retry(runner, claim.execution_id, "failed_action", rule_version="latest")

    assert again.execution.call_key == key


async def test_the_key_of_a_call_goes_where_the_action_is_another(runner: Runner) -> None:
    rule = await runner.rule(actions=CALLS)
    claim, _ = await begun(runner, rule=rule)
    await cut_off_by_a_cancel(runner, claim)
    other = a_content(actions=(CALLS[0], CALLS[2]))
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, other)

    again = await retry(runner, claim.execution_id, "failed_action", rule_version="latest")

    assert again.execution.call_key is None


@pytest.mark.parametrize("actions", [(), CALLS[1:], (CALLS[2], *CALLS[1:])], ids=["none", "shifted", "another"])
async def test_the_latest_version_does_not_go_on_behind_other_actions(
    runner: Runner, actions: tuple[RuleAction, ...]
) -> None:
    rule = await runner.rule(actions=CALLS)
    claim, _ = await begun(runner, rule=rule)
    await cut_off_by_a_cancel(runner, claim)
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, a_content(actions=actions))
    before = runner.row(claim.execution_id)

    with pytest.raises(ActionsChanged):
        await retry(runner, claim.execution_id, "failed_action", rule_version="latest")
    assert runner.row(claim.execution_id) == before
    again = await retry(runner, claim.execution_id, "failed_action", rule_version="original")
    assert (again.rule.version, again.execution.next_action) == (1, 1)


@pytest.mark.parametrize("done", [0, 1])
async def test_patience_with_an_action_that_is_done_may_change(runner: Runner, done: int) -> None:
    rule = await runner.rule(actions=CALLS)
    claim, _ = await begun(runner, rule=rule, done=done)
    await cut_off_by_a_cancel(runner, claim)
    patient = a_content(actions=(replace(CALLS[0], timeout_seconds=60, retry_attempts=5), *CALLS[1:]))
    await runner.rules.update(runner.tenant, runner.sample.user, rule.rule_id, patient)

    again = await retry(runner, claim.execution_id, "failed_action", rule_version="latest")

    assert (again.rule.version, again.execution.next_action) == (2, done)


@pytest.mark.parametrize("status", sorted(set(RuleStatus) - {RuleStatus.ACTIVE, RuleStatus.PAUSED}))
async def test_an_execution_of_a_rule_that_is_not_active_stays_as_it_is(runner: Runner, status: RuleStatus) -> None:
    rule = await runner.rule()
    execution = await runner.failed(execution=await runner.execute(rule))
    with psycopg.connect(runner.urls.admin) as admin:
        admin.execute("UPDATE automation_rules SET status = %s WHERE rule_id = %s", (status, rule.rule_id))
    before = runner.row(execution)

    with pytest.raises(RuleNotActive):
        await runner.executions.retry(runner.tenant, execution, retry_from="start")
    assert runner.row(execution) == before


async def test_a_retry_keeps_nothing_of_how_the_attempt_before_went(runner: Runner) -> None:
    execution = await runner.failed()
    runner.change(
        execution,
        "tries = 2, actions_seconds = 5, held_back = true, log_entries = 3, log_bytes = 30, logs_cut = true,"
        " cancel_requested_at = now(), cancel_reason = 'enough', run_at = now(), expires_at = now()",
    )

    await runner.executions.retry(runner.tenant, execution, retry_from="failed_action")

    row = runner.row(execution)
    begun = ("tries", "actions_seconds", "actions_successful", "actions_failed", "log_entries", "log_bytes")
    said = (
        "error_message",
        "error_stack",
        "failed_action_index",
        "cancel_requested_at",
        "cancel_reason",
        "duration_ms",
    )
    times = ("run_at", "expires_at", "started_at", "completed_at", "lease_until", "resume_at", "deadline_at")
    assert (row["status"], row["attempt"], row["next_action"], row["actions_total"]) == ("pending", 2, 1, 2)
    assert {name: row[name] for name in begun} == dict.fromkeys(begun, 0)
    assert {name: row[name] for name in (*said, *times)} == dict.fromkeys((*said, *times))
    assert (row["held_back"], row["logs_cut"]) == (False, False)
