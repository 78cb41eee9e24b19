"""Tries of an action: how long a run rests before the next one, and what ends with the tenant's time in actions."""

import random
from types import SimpleNamespace
from uuid import uuid4

import pytest

from automation.domain.executions import ExecutionStatus
from automation.domain.rules import RuleAction
from automation.engine.actions import ActionWithheld
from automation.engine.runs import tries
from automation.engine.runs.tries import LONGEST_BACKOFF, backoff
from automation.storage.runs import Finished
from tests.engine.runs.scripted import Rehearsal, Script, definite, say, unknown

OVER = "the actions took longer than 10 s in all, the tenant's limit max_actions_seconds"


def test_the_rest_before_a_try_grows_and_is_bounded() -> None:
    longest = [max(backoff(failed) for _ in range(500)) for failed in (1, 2, 3, 20)]

    assert longest[0] <= 0.5 < longest[1] <= 1.0 < longest[2] <= 2.0
    assert 20 < longest[3] <= LONGEST_BACKOFF


def test_the_rest_is_spread_so_that_many_do_not_come_back_at_once() -> None:
    rests = [backoff(4) for _ in range(500)]

    assert min(rests) < 0.5
    assert max(rests) > 3.5


def test_the_longest_rest_doubles_up_to_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[tuple[float, float]] = []

    def longest(least: float, most: float) -> float:
        bounds.append((least, most))
        return most

    monkeypatch.setattr(random, "uniform", longest)

    assert [backoff(failed) for failed in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert {least for least, _ in bounds} == {0}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test moves."""
    made = SimpleNamespace(now=100.0)
    monkeypatch.setattr(tries, "time", SimpleNamespace(monotonic=lambda: made.now))
    monkeypatch.setattr(tries, "backoff", lambda _failed: 0.0)
    return made


@pytest.mark.parametrize("key", [None, uuid4()], ids=["answered", "unknown"])
async def test_no_try_begins_when_the_time_in_actions_is_over_whatever_the_rule_tolerates(key: object) -> None:
    script = Script()
    state = {"actions_seconds": 10.0, "call_key": key}

    ending, _, told = await Rehearsal(script, (say(go_on=True), say()), state, most_seconds=10).go()

    assert script.calls == []
    assert isinstance(ending, Finished)
    assert (ending.status, ending.error_message) == (ExecutionStatus.TIMEOUT, f"Action 0: said failed: {OVER}.")
    assert (ending.failed_action_index, ending.outcome_unknown) == (0, key is not None)
    assert ending.error_stack == f"action 0 (said): {OVER}"
    assert told == [f"said failed: {OVER}."]


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("failure", [definite(), unknown()], ids=["answered", "unknown"])
async def test_none_follows_a_try_that_took_what_was_left_of_it(
    clock: SimpleNamespace, failure: Exception, retries: int
) -> None:
    script = Script([failure])

    def pass_by() -> None:
        clock.now += 0.5

    script.meanwhile = pass_by
    actions = (say(go_on=True, retries=retries), say())
    ending, ledger, told = await Rehearsal(script, actions, {"actions_seconds": 9.5}, most_seconds=10).go()

    assert [each[0] for each in ledger.written] == ["call"]
    assert told == [f"said failed: {OVER}."]
    assert isinstance(ending, Finished)
    assert (ending.status, ending.error_message) == (ExecutionStatus.TIMEOUT, f"Action 0: said failed: {OVER}.")
    assert ending.outcome_unknown is (str(failure) == str(unknown()))
    assert str(failure) in (ending.error_stack or "")


async def test_one_follows_while_anything_is_left_of_it(clock: SimpleNamespace) -> None:
    script = Script([definite(), None])

    def pass_by() -> None:
        clock.now += 0.25

    script.meanwhile = pass_by
    await Rehearsal(script, (say(retries=1),), {"actions_seconds": 9.5}, most_seconds=10).go()

    assert len(script.calls) == 2


async def test_the_time_of_each_try_is_spent(clock: SimpleNamespace) -> None:
    script = Script([definite(), None, None])

    def pass_by() -> None:
        clock.now += 2.5

    script.meanwhile = pass_by
    _, ledger, _ = await Rehearsal(script, (say(retries=1), say()), {"actions_seconds": 1.0}, most_seconds=10).go()

    assert ledger.actions_seconds_left == 10 - 1 - 3 * 2.5


@pytest.mark.parametrize(("left", "deadline"), [(None, 107.0), (100, 107.0), (7, 107.0), (4, 104.0)])
async def test_a_try_may_take_its_own_time_or_what_is_left_of_all(
    clock: SimpleNamespace, left: int | None, deadline: float
) -> None:
    script = Script()
    action = RuleAction(type="said", config={}, timeout_seconds=7)

    await Rehearsal(script, (action,), most_seconds=left).go()

    assert clock.now == 100.0
    assert [call.deadline for call in script.calls] == [deadline]


async def test_what_was_not_sent_is_no_try_and_is_called_again_under_its_key() -> None:
    script = Script([ActionWithheld(), None])

    ending, ledger, told = await Rehearsal(script, (say(),)).go()

    (first, key), (second, same) = ledger.calls
    assert (first, second, key) == (0, 0, same)
    assert isinstance(ending, Finished)
    assert ending.status is ExecutionStatus.COMPLETED
    assert told == ["said succeeded."]
