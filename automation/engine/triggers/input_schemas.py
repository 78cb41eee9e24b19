"""Compiled input schemas of rule versions, kept: a version never changes."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import jsonschema_rs
import orjson

from automation.domain.bounded import Bounded
from automation.domain.errors import InvalidInput
from automation.domain.rules import RuleVersion
from automation.engine.expressions.pace import Long, Pace, Step, at_once
from automation.engine.triggers.input_schema import (
    AT_ONCE,
    COST_OF_A_STEP,
    InputSchema,
    Pay,
    compiled,
    for_nothing,
    violations,
)
from automation.engine.triggers.schema_outline import Schema

_Result = TypeVar("_Result")

_KEPT: Final = 128
"""Tuned: compiled schemas that are remembered."""
_BYTES_OF_A_STEP: Final = 4
"""Tuned: how much of a schema is compiled in the time of a step."""


class InThread(Protocol):
    """Has something done in a thread, at a pace."""

    async def __call__(self, work: Callable[[Step], _Result], /) -> _Result:
        """Return what it returned."""


class InputSchemas:
    """A cache of the compiled input schemas of rule versions, which never change."""

    def __init__(self) -> None:
        self._kept: Bounded[tuple[UUID, UUID, int], InputSchema] = Bounded(_KEPT)

    async def require(
        self,
        tenant: UUID,
        rule_id: UUID,
        version: int,
        schema: Schema | None,
        trigger_data: Mapping[str, Any],
        *,
        in_thread: InThread,
        pay: Pay = for_nothing,
    ) -> None:
        """Return if a version of a rule takes what it is triggered with; one without a schema takes anything.

        Args:
            tenant: Whose rule it is.
            rule_id: Which rule.
            version: Which version.
            schema: Its input schema.
            trigger_data: What it is triggered with.
            in_thread: Does in a thread what takes longer than a stretch, by steps that it counts.
            pay: Pays for it.

        Raises:
            InvalidInput: It doesn't.
        """
        if schema is None:
            return
        key = (tenant, rule_id, version)
        kept = self._kept.get(key)
        if kept is None:
            pay(len(orjson.dumps(schema)) // _BYTES_OF_A_STEP)
            kept = await self._compiled(key, schema, in_thread)
        self._kept.put(key, kept)
        pay((cost := kept.cost(trigger_data)) // COST_OF_A_STEP)
        if cost <= AT_ONCE:
            kept.require(trigger_data, cost)
        else:
            await in_thread(lambda step: kept.require(trigger_data, cost, step))

    async def _compiled(self, key: tuple[UUID, UUID, int], schema: Schema, in_thread: InThread) -> InputSchema:
        try:
            return InputSchema(schema, Pace(at_once).step)
        except Long:
            # Others may have waited for the same one.
            return await in_thread(lambda step: self._kept.get(key) or InputSchema(schema, step))


class OwnInputSchemas:
    """A cache of compiled schemas of rules that run by the clock, for what the clock triggers them with alone.

    That is so little that whatever a schema asks of it costs little: nothing has to be weighed.
    """

    def __init__(self) -> None:
        self._kept: Bounded[tuple[UUID, UUID, int], jsonschema_rs.Draft202012Validator] = Bounded(_KEPT)

    async def require(self, rule: RuleVersion, trigger_data: Mapping[str, Any]) -> None:
        """Return if a version of a rule takes what the clock triggers it with.

        Raises:
            InvalidInput: It doesn't.
        """
        schema = rule.content.input_schema
        if schema is None:
            return
        key = (rule.tenant, rule.rule_id, rule.version)
        kept = self._kept.get(key)
        if kept is None:
            kept = await asyncio.to_thread(compiled, schema)
        self._kept.put(key, kept)
        if not kept.is_valid(dict(trigger_data)):
            raise InvalidInput(violations=[*violations(kept.iter_errors(dict(trigger_data)))])
