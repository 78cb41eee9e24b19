"""Looks at events for requests: which rules' conditions they meet, and the labels of what they start.

How much that is grows with the events of a request times the rules that wait for them, both of which a tenant chooses.
So a request has so many steps for all of it together, whatever is compiled is compiled once, and what isn't done soon
goes on in the thread of long work: one request of each tenant's at a time, in parts between which others have their
turn, and no longer than its client is there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import TypeVar
from uuid import UUID

from automation.contract.compiled.violations import of_whole
from automation.domain.errors import InvalidBody, TooManyChecks, TooManyMatches
from automation.domain.events import MOST_STEPS, Event, WaitingRule
from automation.domain.labels import MadeLabels
from automation.domain.rules import RuleVersion
from automation.engine.expressions.pace import Allotment, Long, SharedPace, at_once
from automation.engine.rules.event_conditions import Judging
from automation.engine.rules.rule_desk import RuleDesk
from automation.engine.rules.rule_labels import RuleLabels
from automation.engine.rules.tenant_turns import PATIENCE, TenantTurns
from automation.engine.triggers.input_places import of_event, refused_as_sent

AT_ONCE = 4_096
"""Steps that a request takes on the event loop, at most one stretch after the other, before it has to wait its turn."""
SOON, LATER = 256, 8_192
"""Steps of a part after which others have their turn: on the event loop, and in the thread."""
STORING = 2
"""How many requests of a tenant store at a time what their events start, up to 500 executions in one transaction."""

_Result = TypeVar("_Result")
_Work = Callable[[SharedPace, int], _Result]
"""Does a part of some work at a pace, and stops soon after so many steps."""
Leaving = Callable[[], Awaitable[None]]
"""Returns when whoever waits for an answer has gone."""


class EventDesk:
    """Looks at events, for one long request of each tenant's at a time.

    Args:
        rules: Whose thread long work is done in.
        steps: How many one request may take.
        patience: For how many seconds a request waits for its turn.
    """

    def __init__(self, rules: RuleDesk, *, steps: int = MOST_STEPS, patience: float = PATIENCE) -> None:
        self._rules = rules
        self._steps = steps
        self._looking = TenantTurns(1, patience, _too_many)
        self._storing = TenantTurns(STORING, patience, _too_many_stored)

    def request(self, tenant: UUID, leaving: Leaving) -> "EventWork":
        """Return the work of one request."""
        allotment = Allotment(self._steps, partial(_too_many_steps, self._steps))
        turns = partial(self._looking.one, tenant), partial(self._storing.one, tenant)
        return EventWork(self._rules, allotment, *turns, leaving)


class EventWork:
    """What one request has looked at; within its block its turn is kept, where it has to have one.

    Args:
        rules: Whose thread long work is done in.
        allotment: The steps that it may take.
        turn: Waits for the turn, and keeps it.
        storing: Waits until what it starts may be stored.
        leaving: Returns when whoever sent the request has gone.
    """

    def __init__(
        self,
        rules: RuleDesk,
        allotment: Allotment,
        turn: Callable[["asyncio.Task[None]"], AbstractAsyncContextManager[bool]],
        storing: Callable[[], AbstractAsyncContextManager[bool]],
        leaving: Leaving,
    ) -> None:
        self._rules = rules
        self._allotment = allotment
        self._soon_over = allotment.left - AT_ONCE
        self._turn = turn
        self._storing = storing
        self._leaving = leaving
        self._held = AsyncExitStack()
        self._leaver: asyncio.Task[None] | None = None
        self._pace: SharedPace | None = None
        self._labels: tuple[RuleVersion, RuleLabels] | None = None

    async def __aenter__(self) -> "EventWork":
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self._held.aclose()
        self._leaver = None

    def storing(self) -> AbstractAsyncContextManager[object]:
        """Wait until what the events start may be stored, which few requests of a tenant do at a time.

        Raises:
            TooManyChecks: Others of the tenant are before this one for too long.
        """
        return self._storing()

    async def admitted(self, pairs: Sequence[tuple[WaitingRule, Event]]) -> Sequence[bool]:
        """Return of each pair whether the event meets the rule's conditions; what can't be evaluated meets none.

        Args:
            pairs: Those of one rule come one after the other, as the same object.

        Raises:
            InvalidBody: Whoever sent the events has gone.
            TooManyChecks: Other requests of the tenant are before this one for too long.
            TooManyMatches: The request has taken as many steps as one may.
        """
        judging = Judging(pairs)
        while judging.unfinished:
            await self._done(judging.go_on)
        return judging.verdicts

    async def labels(self, event: Event, rule: RuleVersion) -> MadeLabels:
        """Return the labels that a version of a rule gives an execution of an event.

        Raises:
            InvalidInput: It takes no such event.
        """
        with refused_as_sent(rule.rule_id, of_event(event)):
            await self._rules.require_input(
                rule.tenant,
                rule.rule_id,
                rule.version,
                rule.content.input_schema,
                event.trigger,
                pay=self._allotment.take,
            )
        return await self._done(lambda pace, _: self._compiled(rule, pace).made(event.trigger, pace))

    def _compiled(self, rule: RuleVersion, pace: SharedPace) -> RuleLabels:
        if self._labels is None or self._labels[0] is not rule:
            self._labels = rule, RuleLabels(rule, pace)
        return self._labels[1]

    async def _done(self, work: _Work[_Result]) -> _Result:
        await asyncio.sleep(0)  # others have requests
        if self._leaver is None and self._allotment.left > self._soon_over:
            try:
                return work(SharedPace(at_once, self._allotment), SOON)
            except Long:
                pass  # begun anew, and paid for again
        leaver = self._leaver or await self._wait()
        if leaver.done():
            raise _left()
        return await self._rules.in_thread(lambda rest: work(self._paced(rest), LATER))

    async def _wait(self) -> "asyncio.Task[None]":
        leaver = asyncio.create_task(_until(self._leaving))
        self._held.callback(leaver.cancel)
        if not await self._held.enter_async_context(self._turn(leaver)):
            raise _left()
        self._leaver = leaver
        return leaver

    def _paced(self, rest: Callable[[], None]) -> SharedPace:
        """Return the pace of all that is done in the thread: many short parts rest as one long one does."""
        if self._pace is None:
            self._pace = SharedPace(rest, self._allotment)
        return self._pace


async def _until(leaving: Leaving) -> None:
    await leaving()


def _left() -> InvalidBody:
    detail = "The connection was closed before the events had been looked at. Nothing was done."
    return of_whole(detail, "was not looked at to its end")


def _too_many() -> TooManyChecks:
    return TooManyChecks("The conditions of many rules are being looked at for other events of this tenant.")


def _too_many_stored() -> TooManyChecks:
    return TooManyChecks("What other events of this tenant start is being stored.")


def _too_many_steps(most: int) -> TooManyMatches:
    return TooManyMatches(
        f"What the rules that wait for the events ask of them, and the labels that they make, takes more than {most:,} "
        "steps, as many as one request may take."
    )
