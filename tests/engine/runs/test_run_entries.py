"""Entries and records of a run: what is told of each action and at which level, and what is stored as it ends."""

from typing import Any

import pytest

from automation.domain.executions import ExecutionStatus, LogLevel
from automation.engine.actions import ActionResult
from automation.engine.expressions.conditions import Conditions
from automation.engine.expressions.evaluation import MAX_SIZE, ExpressionTooCostly
from automation.engine.expressions.pace import PacedBudget
from automation.engine.runs import run, tries
from automation.engine.runs.results import EVERYTHING, OMITTED
from automation.engine.runs.vault import Vault
from automation.storage.runs import Finished
from tests.engine.runs.scripted import Rehearsal, Script, definite, say


@pytest.fixture(autouse=True)
def without_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "backoff", lambda _failed: 0.0)


def told(rehearsal: Rehearsal) -> list[tuple[str, LogLevel, int | None, Any]]:
    return [(each.message, each.level, each.action_index, each.metadata) for each in rehearsal.entries]


async def test_conditions_that_cost_too_much_fail_the_execution_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def costly(*_of: Any) -> None:
        raise ExpressionTooCostly("it takes too many steps")

    monkeypatch.setattr(Conditions, "evaluate", costly)
    rehearsal = Rehearsal(Script(), (say(),))

    ending, ledger, _ = await rehearsal.go()

    reason = "The conditions could not be evaluated: it takes too many steps."
    assert isinstance(ending, Finished)
    assert (ending.status, ending.error_message) == (ExecutionStatus.FAILED, reason)
    assert told(rehearsal) == [(reason, LogLevel.ERROR, None, None)]
    assert ledger.written == []


@pytest.mark.parametrize(("go_on", "level"), [(True, LogLevel.WARN), (False, LogLevel.ERROR)])
async def test_a_failure_is_told_with_what_is_known_of_it(*, go_on: bool, level: LogLevel) -> None:
    rehearsal = Rehearsal(Script([definite(metadata={"status": 422})]), (say(go_on=go_on),))

    await rehearsal.go()

    assert told(rehearsal) == [("said failed: the receiver said no.", level, 0, {"status": 422})]


async def test_a_try_that_is_followed_by_another_is_told_with_what_is_known_of_it() -> None:
    script = Script([definite(metadata={"status": 500}, retry_after=0.01), ActionResult({}, {"status": 200})])
    rehearsal = Rehearsal(script, (say(retries=2),))

    await rehearsal.go()

    assert told(rehearsal) == [
        ("the receiver said no (try 1 of 3); the next one is in 0.0 s.", LogLevel.WARN, 0, {"status": 500}),
        ("said succeeded.", LogLevel.INFO, 0, {"status": 200}),
    ]


async def test_each_action_but_the_last_is_recorded_and_the_last_is_left_to_the_end() -> None:
    _, ledger, _ = await Rehearsal(Script(), (say(), say(), say())).go()

    assert ledger.recorded == [0, 1]
    assert ledger.kept.index == 2


async def test_a_result_that_takes_too_long_to_search_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_vault: Vault, _value: Any) -> None:
        return None

    monkeypatch.setattr(Vault, "value", nothing)
    rehearsal = Rehearsal(Script([ActionResult({"id": 1})]), (say(),))

    _, ledger, _ = await rehearsal.go()

    reason = "The result was left out: it takes too long to search it for secrets."
    assert ledger.written[-1] == ("action", 0, {OMITTED: [EVERYTHING]}, False)
    assert [each[:3] for each in told(rehearsal)][1:] == [(reason, LogLevel.WARN, 0)]


async def test_what_is_left_out_of_a_result_is_told() -> None:
    rehearsal = Rehearsal(Script([ActionResult({"body": "x" * 2000, "id": 1})]), (say(),), most_bytes=1000)

    _, ledger, _ = await rehearsal.go()

    reason = (
        "The result is too large, and was kept without body: the results of an execution have 1000 bytes at the most."
    )
    assert ledger.written[-1] == ("action", 0, {"id": 1, OMITTED: ["body"]}, False)
    assert [each[:3] for each in told(rehearsal)][1:] == [(reason, LogLevel.WARN, 0)]


async def test_the_more_expressions_there_are_the_more_may_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def noted(pace: Any, *, size: int) -> PacedBudget:
        sizes.append(size)
        return PacedBudget(pace, size=size)

    monkeypatch.setattr(run, "PacedBudget", noted)
    actions = (say(), say(old="${trigger.a}"), say(old="${trigger.a}", new="${trigger.a} ${trigger.b}"))
    script = Script()

    await Rehearsal(script, actions, {"trigger_data": {"a": 1, "b": 2}}).go()

    assert sizes == [MAX_SIZE, MAX_SIZE, MAX_SIZE, 3 * MAX_SIZE]
    assert script.configs == [{}, {"old": 1}, {"old": 1, "new": "1 2"}]
