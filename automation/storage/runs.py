"""What a worker does to the execution that it runs: each write names its claim, and does nothing once that is lost.

Every method is one round trip and one transaction, so that a worker that is stopped in the middle of it holds no lock.
Every one may be called again after ``Unavailable``, which leaves open whether it was done: what was done is not done
twice (log entries excepted), and counts as success.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from automation.domain.executions import ExecutionStatus, LogEntry
from automation.domain.rules import RuleVersion
from automation.storage import rule_content
from automation.storage.claims import Claim, Renewal, RunState
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import decoded, encoded, storable

__all__ = ["Claim", "Renewal", "RunState", "Runs"]

_CLAIM = b"""
SELECT fence, rule_id, rule_version, rule, created_at, trigger_data, results, next_action, tries, call_key, started_at,
    deadline_at, override_conditions, retry_from, actions_total, actions_successful, actions_failed, waited, taken_over
FROM claim_execution_v1(%s, %s, %s, %s)
"""
_RENEW = b"SELECT cancel_requested, cancel_reason, deadline_passed FROM renew_claim_v1(%s, %s, %s, %s, %s)"
_BEGIN_CALL = b"SELECT begin_call_v1(%s, %s, %s, %s, %s, %s)"
_RECORD_TRY = b"SELECT record_try_v1(%s, %s, %s, %s, %s, %s, %s::jsonb)"
_RECORD_ACTION = b"SELECT record_action_v1(%s, %s, %s, %s, %s, %s::json, %s, %s, %s::jsonb)"
_WAIT = b"SELECT begin_wait_v1(%s, %s, %s, %s, %s, %s, %s::json, %s::jsonb)"
_LOG = b"SELECT log_run_v1(%s, %s, %s, %s, %s::jsonb)"
_FINISH = b"SELECT finish_run_v1(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)"
_RELEASE = b"SELECT release_claim_v1(%s, %s, %s, %s)"
_MARK_RULE = b"SELECT mark_rule_error_v1(%s, %s, %s, %s)"


class Runs:
    """The runs of this worker. Every method raises ``Unavailable`` where no database answers.

    A write returns whether it was done; False says that the claim is lost, and that the run is another's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, tenant: UUID, execution_id: UUID, attempt: int, *, lease: float) -> Claim | None:
        """Take an execution that is pending, that waited long enough, or whose worker let its lease run out.

        What cannot go on is ended here: one that was cancelled or whose time is over while nobody held it, and one that
        the rule's concurrency policy skips.

        Args:
            tenant: Whose execution it is.
            execution_id: Which execution.
            attempt: The attempt that the job was written for.
            lease: Seconds for which the execution is this worker's, unless it renews the claim.

        Returns:
            The claim, None where there is nothing to do: it is another's, it has ended, or it has to stay pending
            until its rule's other executions have ended, which then brings another job.
        """
        parameters = (tenant, execution_id, attempt, float(lease))
        row = await self._database.fetch_row(_CLAIM, parameters)
        return None if row is None else _claim(tenant, execution_id, attempt, row)

    async def renew(self, claim: Claim, *, lease: float) -> Renewal | None:
        """Hold the execution for another ``lease`` seconds; None where the claim is lost."""
        row = await self._database.fetch_row(_RENEW, (*_named(claim), float(lease)))
        if row is None:
            return None
        return Renewal(cancel_requested=row[0], cancel_reason=row[1], deadline_passed=row[2])

    async def begin_call(self, claim: Claim, *, tries: int, call_key: UUID) -> bool:
        """Store that the next action is now tried for the ``tries``-th time, and its Idempotency-Key, before it is."""
        return await self._write(_BEGIN_CALL, claim, tries, call_key)

    async def record_try(self, claim: Claim, *, tries: int, keep_call_key: bool, logs: Sequence[LogEntry] = ()) -> bool:
        """Store that a try failed and another one follows; the call key is kept where its outcome is unknown."""
        return await self._write(_RECORD_TRY, claim, tries, keep_call_key, _entries(logs))

    async def record_action(
        self,
        claim: Claim,
        index: int,
        *,
        result: Any | None,
        failed: bool,
        next_action: int,
        logs: Sequence[LogEntry] = (),
    ) -> bool:
        """Store that an action is over and the run goes on, count it, and forget its tries and its call key.

        An action whose failure ends the execution is told to :meth:`finish` alone.

        Args:
            claim: The run.
            index: The action's index.
            result: What later actions see of it, None for nothing.
            failed: Whether it failed, and the rule goes on nevertheless.
            next_action: The index of the action that follows, greater than ``index``.
            logs: What to log.
        """
        return await self._write(_RECORD_ACTION, claim, index, _json(result), failed, next_action, _entries(logs))

    async def wait(
        self,
        claim: Claim,
        *,
        next_action: int,
        resume_at: datetime,
        result: Any | None = None,
        logs: Sequence[LogEntry] = (),
    ) -> bool:
        """Give the execution out of hand until a time, at which it goes on with ``next_action``.

        The wait itself, the action before that one, counts as successful when it is over.
        """
        return await self._write(_WAIT, claim, next_action, resume_at, _json(result), _entries(logs))

    async def log(self, claim: Claim, logs: Sequence[LogEntry]) -> bool:
        """Append to the execution's log: at most 1,000 entries or 256 KiB, of which the last says that it was cut."""
        return await self._write(_LOG, claim, _entries(logs), repeatable=False)

    async def finish(
        self,
        claim: Claim,
        status: ExecutionStatus,
        *,
        error_message: str | None = None,
        error_stack: str | None = None,
        failed_action_index: int | None = None,
        keep_call_key: bool = False,
        logs: Sequence[LogEntry] = (),
    ) -> bool:
        """End the execution, and let the oldest one start that its rule's limit held back.

        Args:
            claim: The run.
            status: How it ended; the end is final for this attempt.
            error_message: What went wrong, in one sentence.
            error_stack: Where it went wrong.
            failed_action_index: The action whose failure ended it; it is counted as failed here.
            keep_call_key: Whether that action's call has an unknown outcome, so that a retry from it must carry the
                same Idempotency-Key.
            logs: What to log.
        """
        return await self._write(
            _FINISH,
            claim,
            status.value,
            storable(error_message),
            storable(error_stack),
            failed_action_index,
            keep_call_key,
            _entries(logs),
        )

    async def release(self, claim: Claim) -> bool:
        """Hand the execution back as it is, together with a job, so that another worker goes on with it at once."""
        return await self._write(_RELEASE, claim)

    async def mark_rule_error(self, claim: Claim, reason: str) -> None:
        """Give the rule the status ``error``, unless it was changed since the version that the run pins."""
        parameters = (claim.tenant, claim.rule.rule_id, claim.rule.version, storable(reason))
        await self._database.fetch_row(_MARK_RULE, parameters)

    async def _write(self, query: bytes, claim: Claim, *parameters: object, repeatable: bool = True) -> bool:
        row = await self._database.fetch_row(query, (*_named(claim), *parameters), repeatable=repeatable)
        return row is not None and bool(row[0])


def _named(claim: Claim) -> tuple[UUID, UUID, int, int]:
    return claim.tenant, claim.execution_id, claim.attempt, claim.fence


def _json(result: Any | None) -> str | None:
    return None if result is None else encoded(result)


def _entries(logs: Sequence[LogEntry]) -> str | None:
    if not logs:
        return None
    return encoded(
        [
            {
                "timestamp": entry.timestamp,
                "level": entry.level,
                "message": storable(entry.message),
                "action_index": entry.action_index,
                "metadata": entry.metadata,
            }
            for entry in logs
        ]
    )


def _claim(tenant: UUID, execution_id: UUID, attempt: int, row: tuple[Any, ...]) -> Claim:
    fence, rule_id, rule_version, rule, created_at, trigger_data, results, next_action, tries, call_key = row[:10]
    started_at, deadline_at, override, retry_from, total, successful, failed, waited, taken_over = row[10:]
    return Claim(
        tenant=tenant,
        execution_id=execution_id,
        attempt=attempt,
        fence=fence,
        rule=RuleVersion(
            rule_id=rule_id,
            tenant=tenant,
            version=rule_version,
            content=rule_content.from_columns(decoded(rule)),
        ),
        execution=RunState(
            created_at=created_at.astimezone(UTC),
            trigger_data=None if trigger_data is None else decoded(trigger_data),
            results={} if results is None else {int(index): result for index, result in decoded(results).items()},
            next_action=next_action,
            tries=tries,
            call_key=call_key,
            started_at=started_at.astimezone(UTC),
            deadline_at=deadline_at.astimezone(UTC),
            override_conditions=override,
            retry_from=retry_from,
            actions_total=total,
            actions_successful=successful,
            actions_failed=failed,
            waited=waited,
            taken_over=taken_over,
        ),
    )
