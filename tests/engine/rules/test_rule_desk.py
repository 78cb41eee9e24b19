"""Long work for requests is done in turn, in stretches, one rule of each tenant at a time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from automation.domain.errors import InvalidBody, TooManyChecks
from automation.domain.rules import Rule, RuleAction, RuleContent, RuleStatus
from automation.engine.actions import Actions
from automation.engine.rules.masking import masked
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.rules.unmasking import unmasked
from tests.engine.rules.gate import LONG, SHORT, Gate
from tests.engine.triggers.shipped import TRIGGERS

A, B = uuid4(), uuid4()
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def desk(gate: Gate) -> RuleDesk:
    return RuleDesk(Actions.load(), TRIGGERS, rest=gate.rest)


def long_rule() -> Rule:
    actions = tuple(RuleAction(**action) for action in LONG["actions"])
    content = RuleContent(name="Notify", status=RuleStatus.ACTIVE, trigger_config={}, actions=actions)
    return Rule(
        rule_id=uuid4(), tenant=A, version=1, content=content, created_by=uuid4(), created_at=NOW, updated_at=NOW
    )


async def test_a_short_rule_is_checked_without_a_rest_and_beside_a_long_one(desk: RuleDesk, gate: Gate) -> None:
    long = asyncio.create_task(desk.check(A, LONG))
    await gate.held()

    short = await desk.check(A, SHORT)

    gate.open()
    assert short.name == (await long).name


async def test_a_second_long_rule_of_a_tenant_is_refused_until_the_first_is_done(desk: RuleDesk, gate: Gate) -> None:
    long = asyncio.create_task(desk.check(A, LONG))
    await gate.held()

    with pytest.raises(TooManyChecks):
        await desk.check(A, LONG)
    with pytest.raises(TooManyChecks):
        await desk.plan(A, long_rule(), trigger_data={}, override_conditions=False)

    gate.open()
    await long
    assert len((await desk.check(A, LONG)).actions) == 1


async def test_another_tenant_waits_for_one_rule_only(desk: RuleDesk, gate: Gate) -> None:
    long = asyncio.create_task(desk.check(A, LONG))
    await gate.held()

    plan = asyncio.create_task(desk.plan(B, long_rule(), trigger_data={"id": 1}, override_conditions=False))

    gate.open()
    await long
    assert (await plan).would_run


async def test_a_rule_whose_request_is_cancelled_holds_its_place_until_its_check_ends(
    desk: RuleDesk, gate: Gate
) -> None:
    long = asyncio.create_task(desk.check(A, LONG))
    await gate.held()
    long.cancel()
    await asyncio.wait([long])

    with pytest.raises(TooManyChecks):
        await desk.check(A, LONG)

    gate.open()
    await desk.check(B, LONG)  # the thread has done what came before
    assert len((await desk.check(A, LONG)).actions) == 1


async def test_what_is_wrong_with_a_long_rule_is_told(desk: RuleDesk, gate: Gate) -> None:
    gate.open()

    with pytest.raises(InvalidBody):
        await desk.check(A, {**LONG, "trigger_config": {"cron": "* * * * *"}})

    assert gate.rests > 0


def wide(names: int) -> dict[str, Any]:
    """Return an action without expressions, so that nothing of it is long but what is masked."""
    body = {"list": [{"name": f"n{each}", "token": f"t{each}", "form": "a=1&token=x"} for each in range(names)]}
    return {"type": "webhook_call", "config": {"url": "https://hooks.example/x", "json": body}}


def shown(action: dict[str, Any]) -> dict[str, Any]:
    return {**SHORT, "actions": [action | {"config": masked(action["config"])}]}


async def test_masks_of_a_large_rule_are_put_back_at_a_pace_and_one_such_rule_of_a_tenant_at_a_time(
    desk: RuleDesk, gate: Gate
) -> None:
    action = wide(300)
    kept = (RuleAction(**action),)

    long = asyncio.create_task(desk.check(A, shown(action), read=kept))
    await gate.held()
    with pytest.raises(TooManyChecks):
        await desk.check(A, shown(action), read=kept)
    gate.open()
    assert (await long).actions[0].config == action["config"]

    with pytest.raises(InvalidBody):
        await desk.check(A, shown(wide(3)))


async def test_what_was_never_masked_is_not_put_back(desk: RuleDesk) -> None:
    action = {"type": "webhook_call", "config": {"url": "https://hooks.example/x", "headers": {"X-Token": "***"}}}

    content = await desk.check(A, {**SHORT, "actions": [action]}, read=None)

    assert content.actions[0].config["headers"] == {"X-Token": "***"}


@pytest.mark.parametrize("names", [10, 100, 1000])
def test_steps_of_masking_and_putting_back_grow_with_what_there_is(names: int) -> None:
    action, steps = wide(names), Counter[str]()

    masked(action["config"], partial(count, steps, "masked"))
    unmasked(shown(action)["actions"], (RuleAction(**action),), partial(count, steps, "unmasked"))

    # A member, an element and a text that has a parameter: what takes 2 µs.
    assert 4 * names <= steps["masked"] <= 8 * names + 40
    assert 4 * steps["masked"] <= steps["unmasked"] <= 8 * steps["masked"]


def count(steps: Counter[str], what: str, number: int) -> None:
    steps[what] += number
