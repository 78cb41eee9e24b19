"""Costs of asking a schema: how much it may cost at all and at once, and what is paid for it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import jsonschema_rs
import pytest

from automation.domain.errors import InvalidInput
from automation.domain.rules import RuleContent, RuleStatus, RuleVersion
from automation.engine.expressions.pace import Step, uncounted
from automation.engine.triggers import input_schemas
from automation.engine.triggers.input_schema import AT_ONCE, COST_OF_A_STEP, MAX_COST, InputSchema
from automation.engine.triggers.input_schemas import InputSchemas, OwnInputSchemas

Result = TypeVar("Result")


async def at_once(work: Callable[[Step], Result], /) -> Result:
    """Do what takes longer than a stretch."""
    return work(uncounted)


def too_large(data: Any) -> bool:
    """Say whether data are refused that any schema would take."""
    try:
        InputSchema({}).require(data)
    except InvalidInput:
        return True
    return False


@pytest.mark.parametrize(("values", "taken"), [(MAX_COST, True), (MAX_COST + 1, False)])
def test_asking_may_cost_so_much_and_no_more(values: int, taken: bool) -> None:
    data = {"a": [1] * (values - 2)}  # beside the object and the array, of which each is one

    assert too_large(data) is not taken


def test_asking_is_counted_by_what_it_costs() -> None:
    steps: list[int] = []

    InputSchema({}).require({}, 100 * COST_OF_A_STEP, steps.append)

    assert steps == [100]


async def test_compiling_is_paid_for_once_and_asking_each_time() -> None:
    schemas, tenant, rule, paid = InputSchemas(), uuid4(), uuid4(), list[int]()
    schema = {"description": "x" * (40 - len('{"description":""}'))}
    require = partial(schemas.require, tenant, rule, 1, in_thread=at_once, pay=paid.append)

    for _ in range(2):
        await require(schema, {"a": [1] * 98})

    asking = InputSchema(schema).cost({"a": [1] * 98}) // COST_OF_A_STEP
    assert paid == [40 // 4, asking, asking]
    assert asking > 1


@pytest.mark.parametrize(("cost", "asked"), [(AT_ONCE, 0), (AT_ONCE + 1, 1)])
async def test_so_much_is_asked_at_once_and_more_in_its_turn(cost: int, asked: int) -> None:
    turns: list[object] = []

    async def in_turn(work: Callable[[Step], Result], /) -> Result:
        turns.append(work)
        return work(uncounted)

    await InputSchemas().require(uuid4(), uuid4(), 1, {}, {"a": [1] * (cost - 2)}, in_thread=in_turn)

    assert len(turns) == asked


async def test_what_the_clock_asks_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []

    def noted(schema: Any) -> Any:
        compiled.append(schema)
        return jsonschema_rs.Draft202012Validator(schema)

    monkeypatch.setattr(input_schemas, "compiled", noted)
    schemas = OwnInputSchemas()
    content = RuleContent(name="r", status=RuleStatus.ACTIVE, trigger_config={}, actions=(), input_schema={})
    rule = RuleVersion(tenant=uuid4(), rule_id=uuid4(), version=1, content=content)

    for version in (1, 1, 2):
        await schemas.require(replace(rule, version=version), {})

    assert len(compiled) == 2
