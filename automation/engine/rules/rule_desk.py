"""Checks and plans rules for requests: short work at once, long work in one thread, in turn, at a pace.

What a tenant writes decides how long that takes, up to 0.1 s, and the interpreter is everybody's. So at most one
stretch of it is done at once; what takes longer waits for its turn in the one thread that all tenants share, which
rests after each stretch. A tenant has one rule there at a time, so that it delays others by one rule at most.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from automation.domain.errors import TooManyChecks
from automation.domain.labels import MadeLabels
from automation.domain.rules import Rule, RuleAction, RuleContent, RuleVersion
from automation.domain.start_window import AT_ONCE, StartWindow
from automation.engine.actions import Actions
from automation.engine.expressions.pace import Long, Pace, PacedBudget, Step, at_once, rest_a_while
from automation.engine.rules.plan import Plan, plan
from automation.engine.rules.rule_check import MAX_STEPS, checked_content
from automation.engine.rules.rule_labels import made_labels
from automation.engine.rules.tenant_turns import PATIENCE, TenantTurns
from automation.engine.rules.unmasking import has_masks, unmasked
from automation.engine.triggers import Triggers
from automation.engine.triggers.input_schema import Pay, for_nothing
from automation.engine.triggers.input_schemas import InputSchemas

_Result = TypeVar("_Result")


class RuleDesk:
    """Checks and plans rules, one of each tenant's at a time where it takes long.

    Args:
        actions: What rules can do here.
        triggers: What can start them.
        rest: What the thread does after each stretch; it sleeps as long as that took when left out.
    """

    def __init__(self, actions: Actions, triggers: Triggers, *, rest: Callable[[], None] | None = None) -> None:
        self._actions = actions
        self._triggers = triggers
        self._rest = rest or rest_a_while
        self._input_schemas = InputSchemas()
        self._asking = TenantTurns(1, PATIENCE, TooManyChecks)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rules")
        self._served: set[UUID] = set()

    async def check(
        self, tenant: UUID, body: Mapping[str, Any], *, read: Sequence[RuleAction] | None = ()
    ) -> RuleContent:
        """Return what a body says, a contract component ``AutomationRuleInput``.

        Args:
            tenant: Whose rule it is.
            body: The component, valid.
            read: The actions that were shown with masks, what is put back in their place; None where all are plain.

        Raises:
            InvalidBody: The rule couldn't be run, its check takes too many steps, or a mask stands for nothing.
            TooManyChecks: Another long rule of the tenant is checked or planned right now.
        """
        return await self._done(tenant, lambda pace: self._checked(body, read, pace))

    async def plan(
        self,
        tenant: UUID,
        rule: Rule,
        *,
        trigger_data: Mapping[str, Any],
        override_conditions: bool,
        labels: Mapping[str, str] = MappingProxyType({}),
        window: StartWindow = AT_ONCE,
    ) -> Plan:
        """Return what a run of a rule would do.

        Raises:
            RuleDeleted: It is.
            RuleNotActive: It can't be run as it is written.
            InvalidBody: There are more labels than an execution may have.
            InvalidInput: It takes no such ``trigger_data``.
            TooManyChecks: Another long rule of the tenant is checked or planned right now.
        """

        def planned(pace: Pace) -> Plan:
            return plan(
                rule,
                self._actions,
                trigger_data=trigger_data,
                override_conditions=override_conditions,
                labels=labels,
                window=window,
                pace=pace,
            )

        if rule.deleted_at is None:
            await self.require_input(tenant, rule.rule_id, rule.version, rule.content.input_schema, trigger_data)
        return await self._done(tenant, planned)

    async def require_input(
        self,
        tenant: UUID,
        rule_id: UUID,
        version: int,
        input_schema: Mapping[str, Any] | None,
        trigger_data: Mapping[str, Any],
        *,
        pay: Pay = for_nothing,
    ) -> None:
        """Return if a version of a rule takes what it is triggered with, which ``pay`` pays for.

        Raises:
            InvalidInput: It doesn't.
            TooManyChecks: Other schemas of the tenant are compiled, or asked, before this one for too long.
        """
        in_thread = partial(self._in_turn, tenant)
        await self._input_schemas.require(
            tenant, rule_id, version, input_schema, trigger_data, in_thread=in_thread, pay=pay
        )

    async def labels(self, rule: RuleVersion, trigger_data: Mapping[str, Any]) -> MadeLabels:
        """Return the labels that a version of a rule gives an execution with data that it takes.

        Raises:
            InvalidInput: It takes no such ``trigger_data``.
            TooManyChecks: Another long rule of the tenant is checked or planned right now.
        """
        await self.require_input(rule.tenant, rule.rule_id, rule.version, rule.content.input_schema, trigger_data)
        return await self._done(rule.tenant, lambda pace: made_labels(rule, trigger_data, pace))

    async def in_thread(self, part: Callable[[Callable[[], None]], _Result]) -> _Result:
        """Do a part of some long work, which has its own bounds, when its turn in the thread comes.

        Args:
            part: Does it, and rests by what it is given.
        """
        return await asyncio.wrap_future(self._thread.submit(part, self._rest))

    async def _in_turn(self, tenant: UUID, work: Callable[[Step], _Result]) -> _Result:
        async with self._asking.one(tenant):
            return await self.in_thread(lambda rest: work(Pace(rest).step))

    def _checked(self, body: Mapping[str, Any], read: Sequence[RuleAction] | None, pace: Pace) -> RuleContent:
        if read is not None and has_masks(body["actions"]):
            body = {**body, "actions": unmasked(body["actions"], read, pace.step)}
        return checked_content(body, self._actions, self._triggers, PacedBudget(pace, steps=MAX_STEPS), pace.step)

    async def _done(self, tenant: UUID, work: Callable[[Pace], _Result]) -> _Result:
        try:
            return work(Pace(at_once))
        except Long:
            return await asyncio.wrap_future(self._submitted(tenant, work))

    def _submitted(self, tenant: UUID, work: Callable[[Pace], _Result]) -> "Future[_Result]":
        if tenant in self._served:
            raise TooManyChecks
        self._served.add(tenant)
        future = self._thread.submit(work, Pace(self._rest))
        future.add_done_callback(lambda _: self._served.discard(tenant))
        return future
