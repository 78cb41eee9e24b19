"""A run's progress is what a reader then sees, once, in order, and within bounds."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from automation.domain.executions import ExecutionStatus, LogLevel
from automation.domain.rules import RuleStatus
from automation.storage.runs import ActionDone, CallBegins, Outcome, TryFailed
from tests.storage.runner import BEGINNING, LEASE, Runner, entry, told
from tests.storage.samples import a_content

NUL = "a\0b"


async def test_progress_is_seen_as_each_action_ends(runner: Runner) -> None:
    claim = await runner.claimed()
    first = entry("one", action_index=0, metadata={"status": 200})

    await runner.runs.write(claim, ActionDone(index=0, result={"status": 200}, failed=False), logs=told(first))
    document = await runner.document(claim.execution_id)

    assert (document["status"], document["actions_successful"], document["actions_failed"]) == ("running", 1, 0)
    assert document["execution_context"] == {"actions": {"0": {"status": 200}}}
    assert [(log["message"], log.get("action_index"), log["metadata"]) for log in document["logs"]] == [
        (BEGINNING, None, {"actions": 2}),
        ("one", 0, {"status": 200}),
    ]


async def test_a_failed_action_that_the_rule_survives_counts_as_failed(runner: Runner) -> None:
    claim = await runner.claimed()

    await runner.runs.write(claim, ActionDone(index=0, result=None, failed=True))
    await runner.runs.write(claim, ActionDone(index=1, result=[1], failed=False))
    await runner.runs.finish(claim, ExecutionStatus.COMPLETED)
    document = await runner.document(claim.execution_id)

    assert (document["status"], document["actions_successful"], document["actions_failed"]) == ("completed", 1, 1)
    assert document["execution_context"] == {"actions": {"1": [1]}}


async def test_results_keep_the_order_and_the_numbers_of_their_members(runner: Runner) -> None:
    claim = await runner.claimed()
    result = {"zz": 1, "a": {"y": 1.0, "b": 1e300}, "": [], "m": 2**63 - 1, 'quote"': "漢字 🚀"}

    await runner.runs.write(claim, ActionDone(index=0, result=result, failed=False))
    runner.expire(claim.execution_id)
    again = await runner.claimed(claim.execution_id)

    assert repr(again.execution.results[0]) == repr(result)


async def test_what_postgresql_cannot_store_does_not_stop_a_run(runner: Runner) -> None:
    claim = await runner.claimed()
    log = entry(NUL, metadata={NUL: NUL, "literal": "\\u0000", "half": "\\\\u0000"})

    await runner.runs.write(claim, ActionDone(index=0, result={NUL: [NUL, "\\u0000"]}, failed=False), logs=told(log))
    await runner.runs.finish(claim, ExecutionStatus.FAILED, error_message=NUL + "\ud800", error_stack=NUL)
    document = await runner.document(claim.execution_id)

    assert document["execution_context"]["actions"]["0"] == {"a\ufffdb": ["a\ufffdb", "\\u0000"]}
    assert document["logs"][1]["message"] == "a\ufffdb"
    assert document["logs"][1]["metadata"] == {"a\ufffdb": "a\ufffdb", "literal": "\\u0000", "half": "\\\\u0000"}
    assert (document["error_message"], document["error_stack"]) == ("a\ufffdb?", "a\ufffdb")


async def test_what_is_recorded_again_counts_once(runner: Runner) -> None:
    claim = await runner.claimed()

    answers = [
        await runner.runs.write(claim, ActionDone(index=0, result={"n": 1}, failed=False), logs=told(entry()))
        for _ in range(2)
    ]
    document = await runner.document(claim.execution_id)

    assert answers == [Outcome.STORED] * 2
    assert document["actions_successful"] == 1
    assert len(document["logs"]) == 2
    assert document["execution_context"] == {"actions": {"0": {"n": 1}}}


async def test_an_end_that_is_written_again_is_the_same_end(runner: Runner) -> None:
    claim = await runner.claimed()

    answers = [await runner.runs.finish(claim, ExecutionStatus.COMPLETED, logs=told(entry())) for _ in range(2)]
    other = await runner.runs.finish(claim, ExecutionStatus.FAILED)

    assert answers == [ExecutionStatus.COMPLETED] * 2
    assert other is None
    assert len((await runner.document(claim.execution_id))["logs"]) == 2


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_end_stores_what_the_last_action_came_to_as_its_own_record_would(
    runner: Runner, *, failed: bool, cancelled: bool
) -> None:
    last, told_of_it = ActionDone(index=1, result={"b": [1]}, failed=failed), told(entry("one"), entry("two"))
    seen = []
    for together in (False, True):
        claim = await runner.claimed()
        await runner.runs.write(claim, ActionDone(index=0, result={"a": 1}, failed=False))
        await runner.runs.write(claim, CallBegins(lease=LEASE, tries=1, call_key=uuid4()))
        if cancelled:
            await runner.executions.cancel(runner.tenant, claim.execution_id)
        if not together:
            await runner.runs.write(claim, last, told_of_it, actions_seconds=1.5)
        with_it: dict[str, Any] = {"done": last, "logs": told_of_it, "actions_seconds": 1.5} if together else {}
        ended = await runner.runs.finish(claim, ExecutionStatus.COMPLETED, **with_it)
        again = await runner.runs.finish(claim, ExecutionStatus.COMPLETED, **with_it)
        row, document = runner.row(claim.execution_id), await runner.document(claim.execution_id)
        names = ("status", "results", "results_bytes", "next_action", "tries", "call_key", "actions_seconds")
        counted = ("actions_successful", "actions_failed", "lost_workers", "log_entries")
        seen.append((ended, again, {name: row[name] for name in names + counted}, _told(document)))

    assert seen[0] == seen[1]
    assert seen[0][0] is (ExecutionStatus.CANCELLED if cancelled else ExecutionStatus.COMPLETED)
    assert seen[0][2]["results"] == {"0": {"a": 1}, "1": {"b": [1]}}
    assert (seen[0][2]["actions_successful"], seen[0][2]["actions_failed"]) == ((1, 1) if failed else (2, 0))


def _told(document: dict[str, Any]) -> list[str]:
    return [log["message"] for log in document["logs"]]


async def test_an_end_counts_no_action_that_was_recorded_before(runner: Runner) -> None:
    claim = await runner.claimed()
    last = ActionDone(index=0, result={"a": 1}, failed=False)
    await runner.runs.write(claim, last, actions_seconds=1.5)

    await runner.runs.finish(claim, ExecutionStatus.COMPLETED, done=last, actions_seconds=1.5)
    row = runner.row(claim.execution_id)

    assert (row["actions_successful"], row["next_action"], row["results"]) == (1, 1, {"0": {"a": 1}})


async def test_a_wait_that_is_written_again_is_the_same_wait(runner: Runner) -> None:
    claim = await runner.claimed()
    until = datetime.now(UTC) + timedelta(hours=1)

    answers = [await runner.runs.wait(claim, next_action=1, resume_at=until, logs=told(entry())) for _ in range(2)]

    assert answers == [Outcome.STORED] * 2
    assert len((await runner.document(claim.execution_id))["logs"]) == 2


async def test_a_call_key_is_kept_until_its_outcome_is_known(runner: Runner) -> None:
    claim = await runner.claimed()
    key = uuid4()

    def stored() -> tuple[Any, Any]:
        row = runner.row(claim.execution_id)
        return row["tries"], row["call_key"]

    await runner.runs.write(claim, CallBegins(lease=LEASE, tries=1, call_key=key))
    begun = stored()
    await runner.runs.write(claim, TryFailed(tries=2, keep_call_key=True))
    unknown = stored()
    await runner.runs.write(claim, TryFailed(tries=3, keep_call_key=False))
    known = stored()
    await runner.runs.write(claim, CallBegins(lease=LEASE, tries=3, call_key=key))
    await runner.runs.write(claim, ActionDone(index=0, result=None, failed=False))

    assert (begun, unknown, known, stored()) == ((1, key), (2, key), (3, None), (0, None))


@pytest.mark.parametrize("status", sorted(set(ExecutionStatus) - {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}))
async def test_an_end_is_final_and_tells_how_long_it_took(runner: Runner, status: ExecutionStatus) -> None:
    claim = await runner.claimed()

    await runner.runs.finish(claim, status)
    document = await runner.document(claim.execution_id)
    row = runner.row(claim.execution_id)

    assert document["status"] == status
    elapsed = datetime.fromisoformat(document["completed_at"]) - datetime.fromisoformat(document["started_at"])
    assert document["duration_ms"] == pytest.approx(elapsed / timedelta(milliseconds=1))
    assert (row["lease_until"], row["due_at"], row["resume_at"]) == (None, None, None)


async def test_the_action_that_ended_an_execution_is_named_and_counted(runner: Runner) -> None:
    execution = await runner.failed(1)

    document = await runner.document(execution)

    assert (document["status"], document["failed_action_index"]) == ("failed", 1)
    assert (document["actions_successful"], document["actions_failed"]) == (1, 1)
    assert (document["error_message"], document["error_stack"]) == ("It broke.", "at action 1")


async def test_at_most_1000_entries_are_kept_the_last_but_one_says_so_and_the_last_word_fits(runner: Runner) -> None:
    claim = await runner.claimed()

    for first in (1, 401, 801):
        entries = [entry(str(number)) for number in range(400)]
        assert await runner.runs.log(claim, told(*entries, first=first))
    late = told(entry("dropped"), first=1201)
    await runner.runs.finish(claim, ExecutionStatus.COMPLETED, logs=late, last=entry("It is over."))
    logs = (await runner.document(claim.execution_id))["logs"]

    assert len(logs) == 1000
    assert [log["message"] for log in logs[1:801]] == [str(number) for number in range(400)] * 2
    assert logs[-2]["level"] == LogLevel.WARN
    assert "full" in logs[-2]["message"]
    assert logs[-1]["message"] == "It is over."


@pytest.mark.parametrize("held", [True, False], ids=["running", "nobody's"])
async def test_the_reason_of_a_cancel_fits_into_a_full_log(runner: Runner, *, held: bool) -> None:
    claim = await runner.claimed()
    await runner.runs.log(claim, told(*(entry(str(number)) for number in range(1100))))
    if not held:
        runner.expire(claim.execution_id)

    await runner.executions.cancel(runner.tenant, claim.execution_id)
    await runner.runs.finish(claim, ExecutionStatus.CANCELLED)
    logs = (await runner.document(claim.execution_id))["logs"]

    assert len(logs) == 1000
    assert "full" in logs[-2]["message"]
    assert logs[-1]["message"].startswith("The execution was cancelled")


async def test_at_most_256_kib_are_kept_and_the_last_says_so(runner: Runner) -> None:
    claim = await runner.claimed()
    large = entry("漢" * 20_000)

    for number in range(6):
        assert await runner.runs.log(claim, told(large, first=1 + number))
    await runner.runs.finish(claim, ExecutionStatus.COMPLETED, logs=told(entry("small"), first=7), last=large)
    logs = (await runner.document(claim.execution_id))["logs"]

    assert len(logs) == 7
    assert "full" in logs[-2]["message"]
    assert logs[-1]["message"] == large.message


async def test_entries_are_appended_and_never_rewritten(runner: Runner) -> None:
    claim = await runner.claimed()

    await runner.runs.log(claim, told(entry("one"), entry("two", level=LogLevel.ERROR)))
    await runner.runs.write(claim, TryFailed(tries=1, keep_call_key=False), logs=told(entry("three"), first=3))
    await runner.runs.finish(claim, ExecutionStatus.COMPLETED, logs=told(entry("four"), first=4))
    logs = (await runner.document(claim.execution_id))["logs"]

    assert [log["message"] for log in logs] == [BEGINNING, "one", "two", "three", "four"]
    assert logs[2]["level"] == "error"


async def test_a_rule_that_cannot_be_run_is_in_error_without_a_new_version(runner: Runner) -> None:
    claim = await runner.claimed()

    await runner.runs.mark_rule_error(claim, "there is no action of this type any more")
    rule = await runner.rules.get(runner.tenant, claim.rule.rule_id)

    assert (rule.content.status, rule.version) == (RuleStatus.ERROR, 1)
    assert rule.status_reason == "there is no action of this type any more"


async def test_a_rule_that_was_changed_since_is_not_in_error(runner: Runner) -> None:
    claim = await runner.claimed()
    changed = a_content(name="Another name")
    await runner.rules.update(runner.tenant, runner.sample.user, claim.rule.rule_id, changed)

    await runner.runs.mark_rule_error(claim, "it was broken")
    rule = await runner.rules.get(runner.tenant, claim.rule.rule_id)

    assert (rule.content.status, rule.status_reason) == (RuleStatus.ACTIVE, None)


@pytest.mark.parametrize("name", ["begin_call", "finish", "log", "record_action", "record_try", "release", "wait"])
async def test_each_write_takes_along_what_the_run_has_to_tell(runner: Runner, name: str) -> None:
    claim, logs = await runner.claimed(), told(entry("told along"))
    writes: dict[str, Callable[[], Awaitable[object]]] = {
        "begin_call": lambda: runner.runs.write(claim, CallBegins(lease=LEASE, tries=0, call_key=uuid4()), logs),
        "finish": lambda: runner.runs.finish(claim, ExecutionStatus.COMPLETED, logs=logs),
        "log": lambda: runner.runs.log(claim, logs),
        "record_action": lambda: runner.runs.write(claim, ActionDone(index=0, result=None, failed=False), logs),
        "record_try": lambda: runner.runs.write(claim, TryFailed(tries=1, keep_call_key=False), logs),
        "release": lambda: runner.runs.release(claim, logs=logs),
        "wait": lambda: runner.runs.wait(claim, next_action=1, resume_at=datetime.now(UTC), logs=logs),
    }

    await writes[name]()

    row = runner.row(claim.execution_id)
    assert [log["message"] for log in (await runner.document(claim.execution_id))["logs"]] == [BEGINNING, "told along"]
    assert (row["log_entries"], row["logs_cut"], row["actions_seconds"]) == (2, False, 0)
    assert row["log_bytes"] > 2 * len("told along")
