"""Computing for runs: short work at once, long work in one thread at a pace, one piece of each tenant's at a time."""

import asyncio
import threading
from collections.abc import Callable
from uuid import UUID

import pytest

from automation.domain.rules import RuleContent, RuleVersion
from automation.engine.actions import Actions
from automation.engine.expressions.pace import STRETCH, Pace
from automation.engine.rules.computing import Computing
from automation.engine.rules.program import Programs
from tests.engine.rules.gate import Gate

A, B = UUID(int=1), UUID(int=2)


@pytest.fixture
def gate() -> Gate:
    return Gate()


def work(steps: int, done: list[str], name: str) -> Callable[[Pace], str]:
    def take(pace: Pace) -> str:
        for _ in range(steps):
            pace.step()
        done.append(f"{name} {threading.current_thread().name.split('_')[0]}")
        return name

    return take


async def test_what_is_done_in_a_stretch_is_done_at_once_and_the_rest_in_the_thread(gate: Gate) -> None:
    computing, done = Computing(gate.rest), list[str]()
    gate.open()

    await computing.done(A, work(STRETCH, done, "short"))
    assert await computing.done(A, work(10 * STRETCH, done, "long")) == "long"

    assert done == ["short MainThread", "long computing"]
    assert gate.rests == 9


async def test_tenants_take_turns_and_nobody_is_refused(gate: Gate) -> None:
    computing, done = Computing(gate.rest), list[str]()
    asked = [asyncio.create_task(computing.done(A, work(2 * STRETCH, done, f"a{each}"))) for each in range(40)]
    await gate.held()
    other = asyncio.create_task(computing.done(B, work(2 * STRETCH, done, "b")))
    await asyncio.sleep(0)

    gate.open()
    await asyncio.gather(*asked, other)

    names = [each.split()[0] for each in done]
    assert names.index("b") <= 2
    assert [each for each in names if each != "b"] == [f"a{each}" for each in range(40)]


async def test_who_is_cancelled_while_it_waits_holds_nobody_up(gate: Gate) -> None:
    computing, done = Computing(gate.rest), list[str]()
    first, second, third = (
        asyncio.create_task(computing.done(A, work(2 * STRETCH, done, name))) for name in ("first", "second", "third")
    )
    await gate.held()
    second.cancel()
    gate.open()

    assert (await first, await third) == ("first", "third")
    assert second.cancelled()


async def test_a_rule_that_takes_long_to_compile_is_compiled_in_the_thread() -> None:
    programs, seen = Programs(Actions.load()), list[str]()
    conditions = tuple({"field": f"trigger.a{number}.b.c.d", "operator": "exists"} for number in range(100))
    content = RuleContent(name="r", trigger_config={}, actions=(), conditions=conditions)
    version = RuleVersion(tenant=A, rule_id=UUID(int=3), version=1, content=content)
    compiled = programs._compiled

    def noted(content: RuleContent, pace: Pace) -> object:
        result = compiled(content, pace)
        seen.append(threading.current_thread().name.split("_")[0])
        return result

    programs._compiled = noted  # type: ignore[assignment, method-assign]

    program = await programs.get(version)

    assert program.conditions.count == 100
    assert await programs.get(version) is program
    assert seen == ["computing"]
