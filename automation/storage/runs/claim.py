"""The claim that a worker holds of the execution it runs: every write of the run names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from automation.domain.executions import LogEntry
from automation.domain.rules import RuleVersion
from automation.storage import rule_content
from automation.storage.pool.encoding import decoded


class Turn(NamedTuple):
    """A tenant's turn, as a job gives it out.

    Args:
        tenant: Whose turn it is.
        execution: Which execution it was given out for; another one that comes first takes its place.
        attempt: The attempt of that.
        rank: The smaller it is, the sooner the tenant's execution comes: minus its priority, or less where it started.
        since: Of two with the same rank the smaller one comes first: when it was queued, in microseconds.
    """

    tenant: UUID
    execution: UUID
    attempt: int
    rank: int = 0
    since: int = 0


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
        lost_workers: How many workers were lost at this action of the attempt, one after the other.
        log_entries: How many entries the attempt's log has, those that the claim has written among them.
        actions_seconds: How long the attempt has been in its actions.
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
    lost_workers: int
    log_entries: int
    actions_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to run an execution: lost as soon as another worker gets a higher ``fence``.

    ``weight`` and the limits, in seconds, are the tenant's; one that is None limits nothing. ``request_id`` and
    ``triggered_by`` say who or what asked for the attempt, where that is known.
    """

    tenant: UUID
    execution_id: UUID
    attempt: int
    fence: int
    rule: RuleVersion
    execution: RunState
    weight: int
    max_run_seconds: int | None
    max_actions_seconds: float | None
    request_id: str | None
    triggered_by: Mapping[str, str] | None

    @property
    def names(self) -> dict[str, object]:
        """What every write of the run names."""
        return {
            "tenant": self.tenant,
            "execution": self.execution_id,
            "attempt": self.attempt,
            "fence": self.fence,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a run learns when it renews its lease."""

    cancel_requested: bool
    deadline_passed: bool


class Outcome(StrEnum):
    """What becomes of a write of a run, and what it learns of the run by that; None stands for a claim that is lost.

    ``CANCELLED`` says that a cancel was accepted: what had happened is stored, and nothing may begin any more.
    ``OUT_OF_TIME`` says the same of the execution's time.
    """

    STORED = "stored"
    CANCELLED = "cancelled"
    OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, slots=True)
class LogPart:
    """Entries that follow each other in an attempt's log.

    Args:
        first: The place of the first of them, from 0, as only the log's one writer can know it: those that are stored
            already are not stored again.
        entries: The entries, in their order.
    """

    first: int
    entries: tuple[LogEntry, ...] = ()


NOTHING = LogPart(0)
"""What a write logs that has nothing to tell."""


def read_claim(tenant: UUID, row: DictRow) -> Claim:
    """Return the claim that a row of ``serve_turn_v1`` gives."""
    return Claim(
        tenant=tenant,
        execution_id=row["execution_id"],
        attempt=row["attempt"],
        fence=row["fence"],
        rule=RuleVersion(
            rule_id=row["rule_id"],
            tenant=tenant,
            version=row["rule_version"],
            content=rule_content.from_columns(decoded(row["rule"])),
        ),
        execution=RunState(
            created_at=row["created_at"].astimezone(UTC),
            trigger_data=_decoded(row["trigger_data"]),
            results={int(index): result for index, result in (_decoded(row["results"]) or {}).items()},
            next_action=row["next_action"],
            tries=row["tries"],
            call_key=row["call_key"],
            started_at=row["started_at"].astimezone(UTC),
            deadline_at=row["deadline_at"].astimezone(UTC),
            override_conditions=row["override_conditions"],
            retry_from=row["retry_from"],
            actions_total=row["actions_total"],
            actions_successful=row["actions_successful"],
            actions_failed=row["actions_failed"],
            waited=row["waited"],
            taken_over=row["taken_over"],
            lost_workers=row["lost_workers"],
            log_entries=row["log_entries"],
            actions_seconds=row["actions_seconds"],
        ),
        weight=row["weight"],
        max_run_seconds=row["max_run_seconds"],
        max_actions_seconds=row["max_actions_seconds"],
        request_id=row["request_id"],
        triggered_by=_decoded(row["triggered_by"]),
    )


def _decoded(document: str | None) -> Any | None:
    return None if document is None else decoded(document)
