"""Checks and plans rules for requests: short work at once, long work in one thread, in turn, at a pace.

What a tenant writes decides how long that takes, up to 0.1 s, and the interpreter is everybody's. So at most one
stretch of it is done at once; what takes longer waits for its turn in the one thread that all tenants share, which
rests after each stretch. A tenant has one rule there at a time, so that it delays others by one rule at most.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NoReturn, TypeVar
from uuid import UUID

from automation.domain.errors import TooManyChecks
from automation.domain.rules import Rule, RuleContent
from automation.engine.actions import Actions
from automation.engine.expressions.pace import Pace, PacedBudget
from automation.engine.rules.plan import Plan, plan
from automation.engine.rules.rule_check import MAX_STEPS, checked_content

_Result = TypeVar("_Result")

_REST_SECONDS: Final = 0.001
"""As long as a stretch, so that whoever waits for the interpreter has at least half of it."""


class _Long(BaseException):
    """Some work isn't done within one stretch; nothing that it calls catches this."""


class RuleDesk:
    """Checks and plans rules, one of each tenant's at a time where it takes long.

    Args:
        actions: What rules can do here.
        rest: What the thread does after each stretch; it sleeps as long as that took when left out.
    """

    def __init__(self, actions: Actions, *, rest: Callable[[], None] | None = None) -> None:
        self._actions = actions
        self._rest = rest or _sleep
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rules")
        self._served: set[UUID] = set()

    async def check(self, tenant: UUID, body: Mapping[str, Any]) -> RuleContent:
        """Return what a body says, a contract component ``AutomationRuleInput``.

        Raises:
            InvalidBody: The rule couldn't be run, or its check takes too many steps.
            TooManyChecks: Another long rule of the tenant is checked or planned right now.
        """
        return await self._done(tenant, lambda pace: self._checked(body, pace))

    async def plan(
        self, tenant: UUID, rule: Rule, *, trigger_data: Mapping[str, Any], override_conditions: bool
    ) -> Plan:
        """Return what a run of a rule would do.

        Raises:
            RuleNotActive: It is deleted, or can't be run as it is written.
            TooManyChecks: Another long rule of the tenant is checked or planned right now.
        """

        def planned(pace: Pace) -> Plan:
            return plan(
                rule, self._actions, trigger_data=trigger_data, override_conditions=override_conditions, pace=pace
            )

        return await self._done(tenant, planned)

    def _checked(self, body: Mapping[str, Any], pace: Pace) -> RuleContent:
        return checked_content(body, self._actions, PacedBudget(pace, steps=MAX_STEPS))

    async def _done(self, tenant: UUID, work: Callable[[Pace], _Result]) -> _Result:
        try:
            return work(Pace(_refuse))
        except _Long:
            return await asyncio.wrap_future(self._submitted(tenant, work))

    def _submitted(self, tenant: UUID, work: Callable[[Pace], _Result]) -> "Future[_Result]":
        if tenant in self._served:
            raise TooManyChecks
        self._served.add(tenant)
        future = self._thread.submit(work, Pace(self._rest))
        future.add_done_callback(lambda _: self._served.discard(tenant))
        return future


def _sleep() -> None:
    time.sleep(_REST_SECONDS)


def _refuse() -> NoReturn:
    raise _Long
