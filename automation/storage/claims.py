"""What a worker holds of the execution that it runs: the claim that every write of the run names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from automation.domain.rules import RuleVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How far a run had come when it was claimed. Every time has a time zone.

    Args:
        created_at: When the execution was asked for.
        trigger_data: The trigger's payload, None where there was none.
        results: The results of the actions that have one, by the action's index.
        next_action: The index of the first action that is not recorded as done.
        tries: How often that action was tried without a recorded end.
        call_key: The Idempotency-Key of its call, while the outcome of that call is unknown.
        started_at: When the attempt started.
        deadline_at: When the execution's time is over.
        override_conditions: Whether it runs whatever the conditions say.
        retry_from: ``start`` or ``failed_action`` where a user retried it.
        actions_total: How many actions the rule has.
        actions_successful: How many of them succeeded in this attempt.
        actions_failed: How many of them failed in this attempt.
        waited: Whether a wait has just ended: the action before ``next_action``, counted already.
        taken_over: Whether another worker had begun this attempt, and neither ended it nor began to wait.
    """

    created_at: datetime
    trigger_data: Mapping[str, Any] | None
    results: dict[int, Any]
    next_action: int
    tries: int
    call_key: UUID | None
    started_at: datetime
    deadline_at: datetime
    override_conditions: bool
    retry_from: str | None
    actions_total: int
    actions_successful: int
    actions_failed: int
    waited: bool
    taken_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to run an execution: lost as soon as another worker gets a higher ``fence``."""

    tenant: UUID
    execution_id: UUID
    attempt: int
    fence: int
    rule: RuleVersion
    execution: RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a run learns when it renews its lease."""

    cancel_requested: bool
    cancel_reason: str | None
    deadline_passed: bool
