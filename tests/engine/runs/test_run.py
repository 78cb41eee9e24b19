"""Runs step by step: which call carries which key, which try is counted for which action, and where a run goes on."""

import asyncio
from uuid import uuid4

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import RuleAction
from automation.engine.actions import ActionFailed, ActionResult, ActionTimedOut
from automation.engine.runs import tries
from automation.storage.runs import Finished, HandedBack, Resting
from tests.engine.runs.scripted import Rehearsal, Script, definite, say, unknown

REST = RuleAction(type="rest", config={})


@pytest.fixture(autouse=True)
def without_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "backoff", lambda _failed: 0.0)


async def test_each_action_has_a_key_of_its_own() -> None:
    script = Script()

    ending, ledger, told = await Rehearsal(script, (say(), say(), say())).go()

    keys = [key for _, key in ledger.calls]
    assert isinstance(ending, Finished)
    assert ending.status is ExecutionStatus.COMPLETED
    assert len(set(keys)) == 3
    assert keys == [call.idempotency_key for call in script.calls]
    assert [call.action_index for call in script.calls] == [0, 1, 2]
    assert told == ["said succeeded."] * 3


async def test_the_key_and_the_tries_of_the_action_under_way_are_not_those_of_the_actions_after_it() -> None:
    key = uuid4()
    script = Script([None, unknown(), unknown()])
    state = {"next_action": 1, "tries": 2, "call_key": key, "taken_over": True}

    ending, ledger, _ = await Rehearsal(script, (say(), say(retries=5), say(retries=1)), state).go()

    (first, first_key), (second, second_key), (third, third_key) = ledger.calls
    assert (first, first_key) == (2, str(key))
    assert (second, third) == (0, 1)
    assert str(key) != second_key == third_key
    assert isinstance(ending, Finished)
    assert (ending.failed_action_index, ending.outcome_unknown) == (2, True)


async def test_a_call_of_unknown_outcome_is_repeated_under_its_key_and_one_that_was_answered_is_not() -> None:
    script = Script([unknown(), definite(), None])

    _, ledger, _ = await Rehearsal(script, (say(retries=2),)).go()

    first, second, third = (key for _, key in ledger.calls)
    assert first == second != third
    assert [each for each in ledger.written if each[0] == "try"] == [("try", 1, True), ("try", 2, False)]
    assert [count for count, _ in ledger.calls] == [0, 1, 2]


@pytest.mark.parametrize(
    ("retries", "failed_before", "more"), [(0, 0, 0), (1, 0, 1), (3, 0, 3), (3, 2, 1), (3, 3, 0), (2, 5, 0)]
)
async def test_an_action_is_tried_as_often_as_its_rule_allows_across_workers(
    retries: int, failed_before: int, more: int
) -> None:
    script = Script([definite()] * 10)

    ending, ledger, _ = await Rehearsal(script, (say(retries=retries),), {"tries": failed_before}).go()

    assert len(ledger.calls) == more + 1
    assert isinstance(ending, Finished)
    assert (ending.status, ending.failed_action_index) == (ExecutionStatus.FAILED, 0)
    assert len((ending.error_stack or "").splitlines()) == more + 1


async def test_what_another_try_cannot_change_is_given_up_at_once() -> None:
    script = Script([definite(retryable=False)])

    ending, ledger, told = await Rehearsal(script, (say(retries=5), say())).go()

    assert len(ledger.calls) == 1
    assert isinstance(ending, Finished)
    assert ending.error_message == "Action 0: said failed: the receiver said no."
    assert ending.outcome_unknown is False
    assert told == ["said failed: the receiver said no."]


async def test_an_action_without_an_answer_in_time_ends_the_execution_so() -> None:
    script = Script([ActionTimedOut("no answer in time", definite=False)])

    ending, _, _ = await Rehearsal(script, (say(),)).go()

    assert isinstance(ending, Finished)
    assert (ending.status, ending.outcome_unknown) == (ExecutionStatus.TIMEOUT, True)


async def test_a_rule_may_go_on_after_a_failure_and_read_why() -> None:
    script = Script([definite(output={"status": 422}), None])
    actions = (say(go_on=True), say(seen='${context.actions."0".status}'))

    ending, ledger, _ = await Rehearsal(script, actions).go()

    assert isinstance(ending, Finished)
    assert ending.status is ExecutionStatus.COMPLETED
    assert ("action", 0, {"status": 422}, True) in ledger.written
    assert script.configs[1] == {"seen": 422}


async def test_a_failure_of_which_nothing_is_known_leaves_no_result() -> None:
    script = Script([definite()])

    _, ledger, _ = await Rehearsal(script, (say(go_on=True),)).go()

    assert ("action", 0, None, True) in ledger.written


async def test_later_actions_read_what_earlier_ones_returned_before_and_after_a_takeover() -> None:
    script = Script([ActionResult(output={"id": 5})])
    actions = (say(), say(), say(old='${context.actions."0".id}', new='${context.actions."1".id}'))

    await Rehearsal(script, actions, {"next_action": 1, "results": {0: {"id": 4}}}).go()

    assert script.configs[-1] == {"old": 4, "new": 5}


async def test_a_worker_that_stops_begins_nothing_more() -> None:
    script = Script()
    rehearsal = Rehearsal(script, (say(), say()))
    script.meanwhile = rehearsal.stopping.set

    ending, ledger, _ = await rehearsal.go()

    assert isinstance(ending, HandedBack)
    assert len(script.calls) == 1
    assert [each[0] for each in ledger.written] == ["call", "action"]


async def test_a_worker_that_stops_leaves_the_next_try_to_another() -> None:
    script = Script([unknown()])
    rehearsal = Rehearsal(script, (say(retries=3),))
    script.meanwhile = rehearsal.stopping.set

    ending, ledger, _ = await rehearsal.go()

    assert isinstance(ending, HandedBack)
    assert ledger.written[-1] == ("try", 1, True)


async def test_a_worker_that_has_stopped_does_not_even_look_at_the_conditions() -> None:
    stopping = asyncio.Event()
    stopping.set()
    unmet = {"conditions": ({"field": "trigger.a", "operator": "exists"},)}

    ending, ledger, told = await Rehearsal(Script(), (say(),), content=unmet, stopping=stopping).go()

    assert (isinstance(ending, HandedBack), ledger.written, told) == (True, [], [])


@pytest.mark.parametrize(
    ("state", "runs"),
    [
        ({}, False),
        ({"override_conditions": True}, True),
        ({"retry_from": "failed_action"}, True),
        ({"retry_from": "start"}, False),
        ({"next_action": 1}, True),
    ],
    ids=str,
)
async def test_conditions_are_asked_once_when_an_execution_begins(state: dict[str, object], runs: bool) -> None:
    script = Script()
    unmet = {"conditions": ({"field": "trigger.a", "operator": "equals", "value": 1},)}

    ending, _, told = await Rehearsal(script, (say(), say()), state, unmet).go()

    assert bool(script.calls) is runs
    assert isinstance(ending, Finished)
    assert ending.status is (ExecutionStatus.COMPLETED if runs else ExecutionStatus.SKIPPED)
    assert any(line.startswith("Condition not met") for line in told) is not runs
    assert ("The conditions were overridden." in told) is bool(state.get("override_conditions"))


async def test_a_wait_gives_the_worker_up_and_one_that_is_impossible_fails() -> None:
    rests, _, _ = await Rehearsal(Script(), (REST, say())).go()
    fails, ledger, _ = await Rehearsal(Script(), (RuleAction(type="rest", config={"never": True}), say())).go()

    assert isinstance(rests, Resting)
    assert rests.action_index == 0
    assert isinstance(fails, Finished)
    assert (fails.status, fails.failed_action_index, ledger.calls) == (ExecutionStatus.FAILED, 0, [])


async def test_a_config_that_cannot_be_resolved_fails_without_a_call() -> None:
    ending, ledger, _ = await Rehearsal(Script(), (say(size="${length(trigger.missing)}"),)).go()

    assert isinstance(ending, Finished)
    assert "the config could not be resolved" in (ending.error_message or "")
    assert ending.outcome_unknown is False
    assert ledger.calls == []


async def test_a_rule_that_cannot_be_run_is_marked_and_said_why() -> None:
    ending, ledger, _ = await Rehearsal(Script(), (RuleAction(type="unheard_of", config={}),)).go()

    assert isinstance(ending, Finished)
    assert (ending.error_message or "").startswith("The rule can't be run: ")
    assert [each[0] for each in ledger.written] == ["rule error"]


async def test_a_rest_lasts_as_long_as_the_other_side_asks_but_not_longer_than_a_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[float] = []

    async def rest(seconds: float, _until: object) -> None:
        rests.append(seconds)

    monkeypatch.setattr(tries, "rest", rest)
    failures: list[ActionFailed | ActionResult | None] = [definite(retry_after=3.0), definite(retry_after=1e6)]

    await Rehearsal(Script([*failures, definite()]), (say(retries=5),)).go()

    assert rests == [3.0, 30.0, 0.0]


async def test_an_action_counts_its_mails_as_those_of_its_run() -> None:
    script = Script()

    _, ledger, _ = await Rehearsal(script, (say(),)).go()

    assert [call.count_mails for call in script.calls] == [ledger.count_mails]
