"""Writes of a run that goes on: each says what happened, and which statement stores it.

Every statement names the claim, and takes along what the run has to tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from automation.storage.runs.values import encoded_result


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBegins:
    """A call of the next action is about to be made, which ``STORED`` alone allows; the execution is held once more.

    Args:
        lease: Seconds, from a moment between the question and the answer.
        tries: How often the action was tried before.
        call_key: The call's Idempotency-Key.
    """

    statement: ClassVar[bytes] = b"""
SELECT begin_call_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    p_lease => %(lease)s, p_tries => %(tries)s, p_call_key => %(call_key)s, p_first => %(first)s,
    p_logs => %(logs)s::jsonb)
"""
    lease: float
    tries: int
    call_key: UUID

    def values(self) -> Mapping[str, object]:
        """Return the statement's own parameters."""
        return {"lease": float(self.lease), "tries": self.tries, "call_key": self.call_key}


@dataclass(frozen=True, slots=True, kw_only=True)
class TryFailed:
    """A try failed, and another one follows; the call key is kept where its outcome is unknown."""

    statement: ClassVar[bytes] = b"""
SELECT record_try_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    p_tries => %(tries)s, p_keep_call_key => %(keep_call_key)s,
    p_actions_seconds => %(actions_seconds)s, p_first => %(first)s, p_logs => %(logs)s::jsonb)
"""
    tries: int
    keep_call_key: bool

    def values(self) -> Mapping[str, object]:
        """Return the statement's own parameters."""
        return {"tries": self.tries, "keep_call_key": self.keep_call_key}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDone:
    """An action is over and the next one follows: it is counted, and its tries and its call key are forgotten.

    An action whose failure ends the execution is told by that end alone.

    Args:
        index: The action's index.
        result: What later actions see of it, None for nothing.
        failed: Whether it failed, and the rule goes on nevertheless.
    """

    statement: ClassVar[bytes] = b"""
SELECT record_action_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    index => %(index)s, p_result => %(result)s::json, p_failed => %(failed)s, p_next_action => %(next_action)s,
    p_actions_seconds => %(actions_seconds)s, p_first => %(first)s, p_logs => %(logs)s::jsonb)
"""
    index: int
    result: Any | None
    failed: bool

    def values(self) -> Mapping[str, object]:
        """Return the statement's own parameters."""
        return {
            "index": self.index,
            "result": encoded_result(self.result),
            "failed": self.failed,
            "next_action": self.index + 1,
        }


Write = CallBegins | TryFailed | ActionDone
