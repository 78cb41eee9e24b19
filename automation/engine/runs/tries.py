"""Runs one action of an execution as often as it may be tried, with a key that tells a repeated call from a new one."""

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from automation.domain.executions import LogLevel
from automation.domain.rules import RuleAction
from automation.engine.actions import (
    ActionCall,
    ActionFailed,
    ActionResult,
    Actions,
    ActionTimedOut,
    ActionWithheld,
)
from automation.engine.runs.error_stack import describe
from automation.engine.runs.journal import Journal
from automation.engine.runs.ledger import Ledger
from automation.storage.pool.encoding import storable
from automation.storage.pool.periodic import rest
from automation.storage.runs import TryFailed

FIRST_BACKOFF = 0.5
LONGEST_BACKOFF = 30.0


class ActionGivenUp(Exception):
    """An action failed for good.

    Args:
        failure: The last try's.
        stack: What happened try by try, without secrets.
        over: Whether the execution ends with it, whatever its rule tolerates.
    """

    def __init__(self, failure: ActionFailed, stack: str, *, over: bool = False) -> None:
        self.over = over
        self.message = storable(failure.message)
        self.metadata = failure.metadata
        self.output = failure.output
        self.timed_out = over or isinstance(failure, ActionTimedOut)
        self.outcome_unknown = not failure.definite
        self.stack = stack


class WorkerStops(Exception):
    """The worker goes before the next try began."""


class Tries:
    """The tries of one action; ``run`` is called once.

    Args:
        ledger: Where they are stored.
        journal: Where they are told.
        actions: What can be done here.
        stopping: Set when the worker goes: no try begins then.
    """

    def __init__(self, ledger: Ledger, journal: Journal, actions: Actions, stopping: asyncio.Event) -> None:
        self._ledger = ledger
        self._journal = journal
        self._actions = actions
        self._stopping = stopping
        self._past: list[str] = []

    async def run(
        self, index: int, action: RuleAction, config: Mapping[str, Any], *, failed: int, call_key: UUID | None
    ) -> ActionResult:
        """Try until it succeeds, or has failed for good.

        Args:
            index: The action's place in its rule.
            action: How often it may be tried, and how long.
            config: Its config, resolved.
            failed: How many of its tries have failed before.
            call_key: The key of a call whose outcome is unknown.

        Raises:
            ActionGivenUp: The last try failed, another one could not have another outcome, or the tenant's limit of
                time in actions is reached.
            WorkerStops: The worker goes.
            BrokenOff: The run may not go on.
        """
        while not self._stopping.is_set():
            if self._ledger.actions_seconds_left <= 0:
                raise self._over(definite=call_key is None)
            call_key = call_key or uuid4()
            await self._ledger.begin_call(tries=failed, call_key=call_key)
            try:
                return await self._timed(action, config, self._call(index, action, call_key))
            except ActionWithheld:
                continue  # whose the run is by now, the beginning of a call finds out
            except ActionFailed as failure:
                failed += 1
                self._past.append(describe(failure, index=index, action=action.type, number=failed))
                call_key = None if failure.definite else call_key
                await self._go_on(failure, index, action, failed)
        raise WorkerStops

    async def _timed(self, action: RuleAction, config: Mapping[str, Any], call: ActionCall) -> ActionResult:
        began = time.monotonic()
        try:
            return await self._actions.run(action.type, config, call)
        finally:
            self._ledger.spend(time.monotonic() - began)

    def _over(self, *, definite: bool) -> ActionGivenUp:
        most = self._ledger.claim.max_actions_seconds
        message = f"the actions took longer than {most:.0f} s in all, the tenant's limit max_actions_seconds"
        return ActionGivenUp(
            ActionFailed(message, definite=definite, retryable=False), "\n".join(self._past), over=True
        )

    def _call(self, index: int, action: RuleAction, call_key: UUID) -> ActionCall:
        claim = self._ledger.claim
        return ActionCall(
            execution_id=claim.execution_id,
            rule_id=claim.rule.rule_id,
            attempt=claim.attempt,
            action_index=index,
            idempotency_key=str(call_key),
            deadline=time.monotonic() + min(action.timeout_seconds, self._ledger.actions_seconds_left),
            holds=self._ledger.holds,
            log=self._journal.of_action(index),
            count_mails=self._ledger.count_mails,
        )

    async def _go_on(self, failure: ActionFailed, index: int, action: RuleAction, failed: int) -> None:
        """Store a failed try and rest before the next one, or give up."""
        if self._ledger.actions_seconds_left <= 0:
            raise self._over(definite=failure.definite)
        if not failure.retryable or failed > action.retry_attempts:
            raise ActionGivenUp(failure, "\n".join(self._past))
        pause = max(backoff(failed), min(failure.retry_after, action.timeout_seconds))
        self._journal.write(
            f"{failure.message} (try {failed} of {action.retry_attempts + 1}); the next one is in {pause:.1f} s.",
            level=LogLevel.WARN,
            action_index=index,
            metadata=failure.metadata,
        )
        await self._ledger.record(TryFailed(tries=failed, keep_call_key=not failure.definite))
        await rest(pause, self._stopping)


def backoff(failed: int) -> float:
    """Return how many seconds to rest after so many failed tries: exponential, with full jitter."""
    return random.uniform(0, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (failed - 1)))  # noqa: S311 - spreads load
