"""Every status, reached by a real run in a real worker."""

import asyncio
import json
from datetime import datetime
from itertools import pairwise
from uuid import UUID

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.origin import Origin
from automation.domain.rules import ConcurrencyPolicy, RuleAction, RuleStatus
from tests.engine.actions.receiver import Receiver
from tests.engine.scenes import Scene, a_call, a_wait, messages
from tests.engine.workers import answering, called, eventually, in_turn, keys, never, slowly
from tests.system.processes import Process

pytestmark = pytest.mark.process


async def test_all_actions_done_is_completed(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = answering(body=b'{"id": 42}')
    first = a_call(receiver.url, json={"order": "${trigger.order}"})
    second = a_call(receiver.url, json={"made": '${context.actions."0".body.id}', "by": "${rule.name}"})

    execution = await scene.run(first, second)

    assert execution["status"] == "completed"
    assert [json.loads(call.body) for call in receiver.received] == [{"order": 7}, {"made": 42, "by": "Rule"}]
    assert (execution["actions_total"], execution["actions_successful"], execution["actions_failed"]) == (2, 2, 0)
    assert execution["execution_context"]["actions"]["1"]["status"] == 200
    assert execution["started_at"] <= execution["completed_at"]
    assert execution["duration_ms"] >= 0
    assert messages(execution)[-1] == "The execution is completed."


async def test_what_a_receiver_answered_is_kept_number_for_number(scene: Scene, receiver: Receiver) -> None:
    body = '{"id": 36893488147419103232, "pi": 3.14159265358979323846264338327950288, "f": 1e22, "nul": "\\u0000"}'
    receiver.answer = in_turn(answering(body=body.encode()), answering("500 Internal Server Error"), answering())
    calls = (a_call(receiver.url), a_call(receiver.url, json={"f": '${context.actions."0".body.f}'}))
    execution = UUID((await scene.run(*calls))["execution_id"])

    before = (await scene.executions.read(scene.tenant, execution)).json.decode()
    await scene.executions.retry(scene.tenant, execution, retry_from="failed_action")
    ended = await scene.ended(execution)
    after = (await scene.executions.read(scene.tenant, execution)).json.decode()

    kept = body.replace("\\u0000", "\\ufffd")
    assert kept in before
    assert kept in after
    assert ended["status"] == "completed"
    assert json.loads(receiver.received[-1].body) == {"f": 1e22}


async def test_a_workers_lines_of_a_run_say_who_asked_for_it_and_by_which_request(
    scene: Scene, receiver: Receiver, worker: Process
) -> None:
    rule = await scene.rule(a_call(receiver.url))
    origin = Origin(request_id="an id of its own", user=scene.user, key_prefix="ak_1a2B3c4D")
    made = await scene.executions.create(
        scene.tenant, scene.user, rule.rule_id, trigger_data=None, override_conditions=False, origin=origin
    )
    unknown = await scene.execute(rule)

    def lines(execution: UUID) -> list[tuple[object, object]]:
        told = [line for line in worker.log_lines() if line.get("execution_id") == str(execution)]
        return [(line["request_id"], line["triggered_by"]) for line in told]

    await eventually(lambda: bool(lines(made.execution_id) and lines(unknown)))
    assert lines(made.execution_id) == [("an id of its own", origin.triggered_by)]
    assert lines(unknown) == [(None, None)]


async def test_a_failure_that_the_rule_tolerates_is_completed(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = answering("500 Internal Server Error")
    done = a_wait(0.01)

    execution = await scene.run(a_call(receiver.url, go_on=True), done)

    assert execution["status"] == "completed"
    assert (execution["actions_successful"], execution["actions_failed"]) == (1, 1)
    assert execution["error_message"] is None


async def test_an_action_that_fails_for_good_is_failed(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = answering("500 Internal Server Error")
    failing = a_call(receiver.url, retries=1, headers={"authorization": "Bearer s3cret-token"})

    execution = await scene.run(a_wait(0.01), failing, a_call(receiver.url))

    assert execution["status"] == "failed"
    assert execution["failed_action_index"] == 1
    assert (execution["actions_successful"], execution["actions_failed"]) == (1, 1)
    assert len(receiver.received) == 2
    assert execution["error_message"] == (
        f"Action 1: webhook_call failed: {receiver.url[7:]} answered with the unexpected status 500."
    )
    assert execution["error_stack"].count("unexpected status 500") == 2
    assert "s3cret" not in json.dumps(execution)


async def test_a_value_that_is_missing_is_failed(scene: Scene, receiver: Receiver) -> None:
    execution = await scene.run(a_call(receiver.url, json={"name": "${trigger.customer.name}"}, retries=5))

    assert execution["status"] == "failed"
    assert "${trigger.customer.name} at /json/name has no value" in execution["error_message"]
    assert receiver.received == []


async def test_a_secret_is_in_no_error(scene: Scene) -> None:
    config = {"method": "POST", "url": "http://127.0.0.1:1/", "headers": {"x-api-key": "${trigger.key}"}}
    rule = await scene.rule(RuleAction(type="webhook_call", config=config))

    execution = await scene.ended(await scene.execute(rule, {"key": "hunter2\r\nx: y"}))

    assert execution["status"] == "failed"
    assert "hunter2" not in json.dumps({**execution, "trigger_data": None})


async def test_the_last_try_of_an_action_out_of_time_is_timeout(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = never()

    execution = await scene.run(a_call(receiver.url, timeout=1))

    assert execution["status"] == "timeout"
    assert execution["failed_action_index"] == 0
    assert "did not answer in time" in execution["error_message"]


async def test_a_run_longer_than_its_time_is_timeout(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = never()

    execution = await scene.run(a_call(receiver.url, timeout=60), execution_timeout_seconds=1)

    assert execution["status"] == "timeout"
    assert execution["error_message"] == "The execution's time of 1 s was over."
    assert execution["duration_ms"] < 4000


async def test_a_wait_longer_than_the_executions_time_is_timeout(scene: Scene) -> None:
    execution = await scene.run(a_wait(600), execution_timeout_seconds=1)

    assert execution["status"] == "timeout"
    assert execution["duration_ms"] < 5000


async def test_conditions_that_are_not_met_are_skipped(scene: Scene, receiver: Receiver) -> None:
    conditions = ({"field": "trigger.order", "operator": "greater_than", "value": 1000},)

    execution = await scene.run(a_call(receiver.url), conditions=conditions)

    assert execution["status"] == "skipped"
    assert receiver.received == []
    assert [line for line in messages(execution) if "not met" in line and "trigger.order" in line]


async def test_conditions_that_are_overridden_hold_nothing_back(scene: Scene, receiver: Receiver) -> None:
    conditions = ({"field": "trigger.order", "operator": "greater_than", "value": 1000},)
    rule = await scene.rule(a_call(receiver.url), conditions=conditions)

    execution = await scene.ended(await scene.execute(rule, {"order": 7}, override=True))

    assert execution["status"] == "completed"
    assert "The conditions were overridden." in messages(execution)


async def test_conditions_that_cost_too_much_are_failed(scene: Scene) -> None:
    conditions = ({"field": "trigger.list[*][*]", "operator": "exists"},)
    rule = await scene.rule(a_wait(1), conditions=conditions)

    execution = await scene.ended(await scene.execute(rule, {"list": [list(range(2000))] * 100}))

    assert execution["status"] == "failed"
    assert "too many steps" in execution["error_message"]


async def test_the_limit_of_a_skipping_rule_is_skipped(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = slowly(1.5)
    rule = await scene.rule(
        a_call(receiver.url), max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.SKIP
    )

    first = await scene.execute(rule)
    await called(receiver)
    second = await scene.execute(rule)

    assert (await scene.ended(second))["status"] == "skipped"
    assert (await scene.ended(first))["status"] == "completed"
    assert [line for line in messages(await scene.read(second)) if "limit" in line]


async def test_the_next_execution_of_a_queueing_rule_starts_when_one_ends(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = slowly(0.3)
    rule = await scene.rule(
        a_call(receiver.url), max_concurrent_executions=1, concurrency_policy=ConcurrencyPolicy.QUEUE
    )

    executions = [await scene.ended(each) for each in [await scene.execute(rule) for _ in range(4)]]

    spans = sorted((each["started_at"], each["completed_at"]) for each in executions)
    assert [each["status"] for each in executions] == ["completed"] * 4
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert _seconds(spans[0][0], spans[-1][1]) < 4


async def test_a_later_execution_can_cancel_the_one_before_it(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = never()
    rule = await scene.rule(
        a_call(receiver.url, timeout=3),
        max_concurrent_executions=1,
        concurrency_policy=ConcurrencyPolicy.CANCEL_PREVIOUS,
    )

    first = await scene.execute(rule)
    await called(receiver)
    receiver.answer = answering()
    second = await scene.execute(rule)

    assert (await scene.ended(first))["status"] == "cancelled"
    assert (await scene.ended(second))["status"] == "completed"


async def test_a_call_that_hangs_is_cancelled_within_two_seconds(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = never()
    execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
    await called(receiver)

    _, at_once = await scene.executions.cancel(scene.tenant, execution)
    cancelled = await scene.ended(execution, within=2.0)

    assert not at_once
    assert cancelled["status"] == "cancelled"


@pytest.mark.parametrize(("seconds", "status"), [(60, "cancelled"), (1, "timeout")])
async def test_a_call_that_was_cut_off_is_repeated_by_a_retry_with_the_same_key(
    scene: Scene, receiver: Receiver, seconds: int, status: str
) -> None:
    receiver.answer = never()
    rule = await scene.rule(a_wait(0.01), a_call(receiver.url, timeout=60), execution_timeout_seconds=seconds)
    execution = await scene.execute(rule)
    await called(receiver)
    if status == "cancelled":
        await scene.executions.cancel(scene.tenant, execution)
    cut_off = await scene.ended(execution)
    receiver.answer = answering()

    await scene.executions.retry(scene.tenant, execution, retry_from="failed_action")
    ended = await scene.ended(execution)

    assert (cut_off["status"], ended["status"]) == (status, "completed")
    assert ended["actions_successful"] == 1
    assert len(receiver.received) == 2
    assert len(set(keys(receiver))) == 1


async def test_a_wait_is_cancelled_at_once(scene: Scene) -> None:
    execution = await scene.execute(await scene.rule(a_wait(600)))
    await _until_waiting(scene, execution)

    document, at_once = await scene.executions.cancel(scene.tenant, execution)

    assert at_once
    assert document.status is ExecutionStatus.CANCELLED


async def test_an_execution_rests_in_a_wait_without_a_slot(scene: Scene, receiver: Receiver) -> None:
    resting = [await scene.execute(await scene.rule(a_wait(3))) for _ in range(20)]
    for execution in resting:
        await _until_waiting(scene, execution)

    other = await scene.run(a_call(receiver.url))  # the worker has 8 slots
    still = [(await scene.read(execution))["status"] for execution in resting]
    ended = [await scene.ended(execution) for execution in resting]

    assert other["status"] == "completed"
    assert still == ["running"] * 20
    assert {each["status"] for each in ended} == {"completed"}
    assert all(3000 <= each["duration_ms"] < 8000 for each in ended)
    assert messages(ended[0])[-2:] == ["The wait is over.", "The execution is completed."]


async def test_progress_is_stored_as_each_action_ends(scene: Scene, receiver: Receiver) -> None:
    execution = await scene.execute(await scene.rule(a_call(receiver.url), a_call(receiver.url), a_wait(600)))
    await _until_waiting(scene, execution)

    seen = await scene.read(execution)

    assert seen["status"] == "running"
    assert seen["actions_successful"] == 2
    assert set(seen["execution_context"]["actions"]) >= {"0", "1"}
    assert len(messages(seen)) >= 3


async def test_a_rule_that_no_worker_can_run_is_in_error(scene: Scene) -> None:
    rule = await scene.rule(RuleAction(type="no_such_action", config={}))

    execution = await scene.ended(await scene.execute(rule))

    stored = await scene.rules.get(scene.tenant, rule.rule_id)
    assert execution["status"] == "failed"
    assert "no_such_action" in execution["error_message"]
    assert stored.content.status is RuleStatus.ERROR
    assert stored.status_reason is not None
    assert "no_such_action" in stored.status_reason


async def _until_waiting(scene: Scene, execution: UUID) -> None:
    async with asyncio.timeout(20):
        while not any(  # noqa: ASYNC110 - what is watched is another process
            line.startswith("Waiting until") for line in messages(await scene.read(execution))
        ):
            await asyncio.sleep(0.05)


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
