"""Tries and retries: how often an action is tried, and with which key."""

import json
from dataclasses import replace

import pytest

from automation.domain.pages import PageRequest
from automation.engine.actions.transport import MOST_INTERIM, MOST_LINES
from tests.engine.actions.receiver import Receiver, response, writing
from tests.engine.scenes import Scene, a_call, messages
from tests.engine.workers import answering, hanging_up, in_turn, keys, never

pytestmark = pytest.mark.process

FAILING = answering("503 Service Unavailable")


async def test_an_action_is_tried_again_until_it_succeeds(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(FAILING, FAILING, answering())

    execution = await scene.run(a_call(receiver.url, retries=2))

    assert execution["status"] == "completed"
    assert (execution["actions_successful"], execution["actions_failed"]) == (1, 0)
    assert len(messages(execution, "warn")) == 2


async def test_a_call_after_a_definite_answer_is_a_new_one(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(FAILING, FAILING, answering())

    await scene.run(a_call(receiver.url, retries=2))

    assert len(set(keys(receiver))) == 3


async def test_a_call_whose_connection_was_lost_is_the_same_one(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(hanging_up(), hanging_up(), answering())

    execution = await scene.run(a_call(receiver.url, retries=2))

    assert execution["status"] == "completed"
    assert len(keys(receiver)) == 3
    assert len(set(keys(receiver))) == 1


async def test_a_call_is_the_same_one_until_the_status_of_its_answer_was_read(scene: Scene, receiver: Receiver) -> None:
    without_end = writing(b"HTTP/1.1 100 Continue\r\n\r\n" * (MOST_INTERIM + 1))
    with_too_many_lines = writing(response(b"{}", *["A: b"] * MOST_LINES))
    receiver.answer = in_turn(without_end, with_too_many_lines, answering())

    execution = await scene.run(a_call(receiver.url, retries=2))

    assert execution["status"] == "completed"
    assert len(keys(receiver)) == 3
    assert len(set(keys(receiver))) == 1


async def test_a_call_that_timed_out_is_the_same_one(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(never(), answering())

    execution = await scene.run(a_call(receiver.url, timeout=1, retries=1))

    assert execution["status"] == "completed"
    assert len(keys(receiver)) == 2
    assert len(set(keys(receiver))) == 1


async def test_the_next_try_waits_as_long_as_the_receiver_asks(scene: Scene, receiver: Receiver) -> None:
    busy = writing(response(b"", "Retry-After: 2", status="429 Too Many Requests"))
    receiver.answer = in_turn(busy, answering())

    execution = await scene.run(a_call(receiver.url, retries=1))

    assert execution["status"] == "completed"
    assert messages(execution, "warn")[0].endswith("the next one is in 2.0 s.")


async def test_no_receiver_puts_a_try_off_for_longer_than_the_action_may_take(scene: Scene, receiver: Receiver) -> None:
    busy = writing(response(b"", "Retry-After: 86400", status="503 Service Unavailable"))
    receiver.answer = in_turn(busy, answering())

    execution = await scene.run(a_call(receiver.url, timeout=1, retries=1))

    assert execution["status"] == "completed"
    assert messages(execution, "warn")[0].endswith("the next one is in 1.0 s.")


async def test_a_later_action_reads_why_an_earlier_one_failed(scene: Scene, receiver: Receiver) -> None:
    reason = answering("422 Unprocessable Content", body=b'{"reason": "sold out"}')
    receiver.answer = in_turn(reason, answering())
    second = a_call(
        receiver.url, json={"why": '${context.actions."0".body.reason}', "of": '${context.actions."0".status}'}
    )

    execution = await scene.run(a_call(receiver.url, go_on=True), second)

    assert execution["status"] == "completed"
    assert (execution["actions_successful"], execution["actions_failed"]) == (1, 1)
    assert json.loads(receiver.received[1].body) == {"why": "sold out", "of": 422}


async def test_each_action_has_a_key_of_its_own(scene: Scene, receiver: Receiver) -> None:
    await scene.run(a_call(receiver.url), a_call(receiver.url))

    assert len(set(keys(receiver))) == 2


async def test_a_retry_runs_everything_again(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(answering(), FAILING, answering())
    failed = await scene.run(a_call(receiver.url), a_call(receiver.url))

    await scene.executions.retry(scene.tenant, failed["execution_id"], retry_from="start")
    execution = await scene.ended(failed["execution_id"])

    assert failed["status"] == "failed"
    assert execution["status"] == "completed"
    assert execution["attempt"] == 2
    assert execution["actions_successful"] == 2
    assert execution["error_message"] is None
    assert len(set(keys(receiver))) == 4


async def test_a_retry_from_the_failed_action_runs_the_rest(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(answering(body=b'{"id": 1}'), FAILING, answering())
    second = a_call(receiver.url, json={"made": '${context.actions."0".body.id}'})
    failed = await scene.run(a_call(receiver.url), second, a_call(receiver.url))

    await scene.executions.retry(scene.tenant, failed["execution_id"], retry_from="failed_action")
    execution = await scene.ended(failed["execution_id"])

    assert execution["status"] == "completed"
    assert execution["attempt"] == 2
    assert [json.loads(call.body or b"null") for call in receiver.received] == [None, {"made": 1}, {"made": 1}, None]
    assert set(execution["execution_context"]["actions"]) == {"0", "1", "2"}


async def test_a_retry_of_a_call_with_an_unknown_outcome_is_the_same_call(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(hanging_up(), answering())
    failed = await scene.run(a_call(receiver.url))

    await scene.executions.retry(scene.tenant, failed["execution_id"], retry_from="failed_action")
    execution = await scene.ended(failed["execution_id"])

    assert failed["status"] == "failed"
    assert execution["status"] == "completed"
    assert len(keys(receiver)) == 2
    assert len(set(keys(receiver))) == 1


async def test_a_retry_runs_the_version_that_ran(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(FAILING, answering())
    rule = await scene.rule(a_call(receiver.url, json={"version": "${rule.version}"}))
    failed = await scene.ended(await scene.execute(rule))
    changed = replace(rule.content, name="Changed since")
    await scene.rules.update(rule.tenant, scene.user, rule.rule_id, changed)

    await scene.executions.retry(scene.tenant, failed["execution_id"], retry_from="start")
    execution = await scene.ended(failed["execution_id"])

    assert execution["rule_version"] == 1
    assert [json.loads(call.body) for call in receiver.received] == [{"version": 1}] * 2
    assert (await scene.rules.get(scene.tenant, rule.rule_id)).version == 2


async def test_every_attempt_keeps_its_own_log(scene: Scene, receiver: Receiver) -> None:
    receiver.answer = in_turn(FAILING, answering())
    failed = await scene.run(a_call(receiver.url))

    await scene.executions.retry(scene.tenant, failed["execution_id"], retry_from="start")
    execution = await scene.ended(failed["execution_id"])

    page = await scene.executions.attempts(scene.tenant, failed["execution_id"], PageRequest(25, ascending=True))
    attempts = [json.loads(item) for item in page.items]
    assert [(each["attempt"], each["status"]) for each in attempts] == [(1, "failed"), (2, "completed")]
    assert attempts[0]["logs"] == failed["logs"]
    assert attempts[1]["logs"] == execution["logs"]
