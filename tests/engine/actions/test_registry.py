import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from automation.engine.actions import (
    Action,
    ActionCall,
    ActionFailed,
    ActionResult,
    Actions,
    ActionTimedOut,
    ActionWithheld,
    BrokenActions,
    ConfigFault,
    wait,
)
from automation.engine.actions.catalogue import Catalogue
from tests.engine.actions.calls import a_call

SCHEMA = {"type": "object", "additionalProperties": False, "properties": {"n": {"type": "integer"}}}


def an_action(name: str = "one", output: Any = None, raises: Exception | None = None, seconds: float = 0) -> Action:
    async def run(_config: Mapping[str, Any], _call: ActionCall) -> ActionResult:
        await asyncio.sleep(seconds)
        if raises is not None:
            raise raises
        return ActionResult({} if output is None else output)

    return Action(name=name, config_schema=SCHEMA, run=run)


async def failure(action: Action, config: Mapping[str, Any] | None = None, *, seconds: float = 5.0) -> ActionFailed:
    with pytest.raises(ActionFailed) as raised:
        await Actions.of([action]).run("one", config or {}, a_call(seconds=seconds))
    return raised.value


def test_actions_are_known_by_name() -> None:
    actions = Actions.of([an_action("two"), an_action("one")])

    assert actions.names == ("one", "two")
    assert "one" in actions
    assert "three" not in actions
    assert not actions.waits("three")


def test_an_unknown_type_is_a_problem_of_the_type() -> None:
    two = Actions.of([an_action("two"), an_action("one")])
    many = Actions.of([an_action(f"number_{number}") for number in range(30)])
    listed = "must be one of the types that listActionTypes lists"

    assert two.check("three", {}) == [ConfigFault("/type", "must be one of: one, two")]
    assert many.check("three", {}) == [ConfigFault("/type", listed)]
    assert Actions.of([]).check("three", {}) == [ConfigFault("/type", listed)]


@pytest.mark.parametrize("config", [None, [], "text", 1, "${trigger}"])
def test_a_config_that_is_no_object_is_a_problem_unless_it_is_a_template(config: object) -> None:
    faults = Actions.of([an_action()]).check("one", config)

    assert [fault.pointer for fault in faults] == ([] if config == "${trigger}" else ["/config"])


def test_every_broken_action_is_told_of() -> None:
    broken = Action(name="broken", config_schema={}, run=an_action().run)
    neither = Action(name="neither", config_schema=SCHEMA)
    both = Action(name="both", config_schema=SCHEMA, run=an_action().run, resume_at=lambda _config, now: now)

    with pytest.raises(BrokenActions) as raised:
        Actions.of([broken, neither, both, an_action("Bad-Name"), an_action(), an_action()])

    assert [line.split(":")[0] for line in raised.value.lines] == [
        "action broken",
        "action neither",
        "action both",
        "action Bad-Name",
        "action one",
    ]


def test_the_action_s_own_check_is_asked_once_the_schema_is_content() -> None:
    asked = []

    def check(config: Mapping[str, Any]) -> Iterator[ConfigFault]:
        asked.append(config)
        yield ConfigFault("/n", "must be even")

    actions = Actions.of([Action(name="one", config_schema=SCHEMA, run=an_action().run, check=check)])

    assert [fault.pointer for fault in actions.check("one", {"n": "x"})] == ["/config/n"]
    assert asked == []
    assert actions.check("one", {"n": 1}) == [ConfigFault("/config/n", "must be even")]
    assert actions.check("one", {"n": "${trigger.n}"}) == []


async def test_an_action_is_told_its_call_and_gives_its_result() -> None:
    seen = []

    async def run(config: Mapping[str, Any], call: ActionCall) -> ActionResult:
        seen.append((config, call))
        call.log("at work")
        return ActionResult({"when": datetime(2026, 1, 1, tzinfo=UTC), "pair": (1, 2)}, {"tries": 1})

    call = a_call()

    result = await Actions.of([Action(name="one", config_schema=SCHEMA, run=run)]).run("one", {"n": 1}, call)

    assert seen == [({"n": 1}, call)]
    assert result == ActionResult({"when": "2026-01-01T00:00:00+00:00", "pair": [1, 2]}, {"tries": 1})


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ({"a": object()}, "JSON values"),
        ({1: "a"}, "JSON values"),
        ({"a": 2**80}, "JSON values"),
        ({"a": "\ud800"}, "JSON values"),
        ([1], "JSON object"),
        ({"a": "x" * 3_000_000}, "larger"),
    ],
)
async def test_a_result_that_can_not_be_kept_is_a_definite_failure(output: Any, reason: str) -> None:
    failed = await failure(an_action(output=output))

    assert reason in failed.message
    assert failed.definite
    assert not failed.retryable


async def test_what_is_no_result_is_a_definite_failure() -> None:
    async def run(_config: Mapping[str, Any], _call: ActionCall) -> Any:
        return {"a": 1}

    failed = await failure(Action(name="one", config_schema=SCHEMA, run=run))

    assert "no ActionResult" in failed.message


async def test_nul_characters_are_replaced_because_postgresql_can_not_keep_them() -> None:
    actions = Actions.of([an_action(output={"a\0": ["b\0", {"c": "\\u0000"}]})])

    result = await actions.run("one", {}, a_call())

    assert result.output == {"a\ufffd": ["b\ufffd", {"c": "\\u0000"}]}


async def test_no_action_is_called_for_an_execution_that_may_be_another_worker_s() -> None:
    with pytest.raises(ActionWithheld):
        await Actions.of([an_action(raises=RuntimeError("called"))]).run("one", {}, a_call(holds=lambda: False))


async def test_a_failure_passes_as_it_is() -> None:
    original = ActionFailed("no", definite=True, retryable=False, metadata={"a": 1})

    assert await failure(an_action(raises=original)) is original


async def test_any_other_error_is_a_failure_of_unknown_outcome_without_its_message() -> None:
    failed = await failure(an_action(raises=ValueError("hush")))

    assert failed.message == "one ended with ValueError"
    assert not failed.definite
    assert failed.retryable


async def test_a_timeout_of_the_action_s_own_is_not_the_deadline_s() -> None:
    failed = await failure(an_action(raises=TimeoutError()))

    assert not isinstance(failed, ActionTimedOut)


async def test_an_action_that_ignores_its_deadline_is_stopped() -> None:
    started = time.monotonic()

    failed = await failure(an_action(seconds=60), seconds=0.1)

    assert isinstance(failed, ActionTimedOut)
    assert not failed.definite
    assert time.monotonic() - started < 2


async def test_a_resolved_config_is_validated_before_the_action_runs() -> None:
    failed = await failure(an_action(raises=AssertionError("ran")), {"n": "${trigger.n}"})

    assert failed.message == "the resolved config is not valid: /n: must be an integer"
    assert failed.definite


async def test_a_type_that_is_no_longer_installed_fails() -> None:
    with pytest.raises(ActionFailed, match="no action of the type gone is installed") as raised:
        await Actions.of([]).run("gone", {}, a_call())

    assert raised.value.definite
    assert not raised.value.retryable


def test_a_call_counts_down_to_its_deadline() -> None:
    nobody = UUID(int=0)

    late = ActionCall(execution_id=nobody, rule_id=nobody, attempt=1, action_index=0, idempotency_key="", deadline=0)

    assert late.seconds_left == 0
    assert 4 < a_call(seconds=5).seconds_left <= 5


def test_an_example_that_its_own_schema_refuses_is_a_broken_action() -> None:
    action = replace(wait.action, example={"seconds": -1})

    with pytest.raises(BrokenActions) as broken:
        Actions.of([action])

    assert "its example: /seconds" in str(broken.value)


def test_the_catalogue_has_another_revision_with_other_actions() -> None:
    silent = replace(wait.action, example=None)

    catalogues = [Catalogue(Actions.of([action])) for action in (wait.action, wait.action, silent)]

    assert catalogues[0].revision == catalogues[1].revision != catalogues[2].revision
    assert "example" not in orjson.loads(catalogues[2].json)["data"][0]
