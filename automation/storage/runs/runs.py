"""Writes of a worker to the execution that it runs: each names its claim, and does nothing once that is lost.

Every method is one round trip and one transaction, so that a worker that is stopped in the middle of it holds no lock;
several that are called at the same time may share both (``group_commit``).
Every one may be called again after ``Unavailable``, which leaves open whether it was done: what was done is not done
twice, no log entry either, and counts as success.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from automation.domain.executions import ExecutionStatus, LogEntry
from automation.domain.limits import DEFAULTS, Limit, Limits
from automation.storage.pool.database import Database
from automation.storage.pool.encoding import shortened
from automation.storage.runs.claim import NOTHING, Claim, LogPart, Outcome, Renewal, Turn
from automation.storage.runs.claims import AskedTurn, Claims
from automation.storage.runs.endings import Ending, Finished, HandedBack, Resting
from automation.storage.runs.group_commit import GroupCommit, RunWrite
from automation.storage.runs.values import encoded_result, stored_entries
from automation.storage.runs.writes import ActionDone, CallBegins, TryFailed, Write

LONGEST_MESSAGE, LONGEST_STACK = 4_000, 8_000
"""Characters of an execution's error and of its stack."""

# The lease for some more seconds, and what is wanted of the run.
_RENEW = b"""
SELECT cancel_requested, deadline_passed
FROM renew_claim_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    p_lease => %(lease)s)
"""
# The claim's end, until a time at which any worker goes on.
_WAIT = b"""
SELECT begin_wait_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    p_next_action => %(next_action)s, p_resume_at => %(resume_at)s, p_result => %(result)s::json,
    p_first => %(first)s, p_logs => %(logs)s::jsonb)
"""
# Log entries alone.
_LOG = b"""
SELECT log_run_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    p_first => %(first)s, p_logs => %(logs)s::jsonb)
"""
# The execution's end, with what its last action came to.
_FINISH = b"""
SELECT finish_run_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    p_status => %(status)s, p_error_message => %(error_message)s, p_error_stack => %(error_stack)s,
    p_failed_action => %(failed_action)s, p_keep_call_key => %(keep_call_key)s, p_first => %(first)s,
    p_logs => %(logs)s::jsonb, p_last => %(last)s::jsonb, p_done => %(done)s, p_result => %(result)s::json,
    p_done_failed => %(done_failed)s, p_actions_seconds => %(actions_seconds)s)
"""
# The claim's end, so that another worker goes on at once.
_RELEASE = b"""
SELECT release_claim_v1(
    p_tenant => %(tenant)s, p_execution => %(execution)s, p_attempt => %(attempt)s, p_fence => %(fence)s,
    p_first => %(first)s, p_logs => %(logs)s::jsonb)
"""
# Mails that are about to leave.
_COUNT_MAILS = b"""
SELECT count_mails_v1(p_tenant => %(tenant)s, p_mails => %(mails)s::bigint, p_most => %(most)s::bigint)
"""
# A rule that can't be run.
_MARK_RULE = b"""
SELECT mark_rule_error_v1(
    p_tenant => %(tenant)s, p_rule => %(rule)s, p_version => %(version)s, p_reason => %(reason)s)
"""

_SHARED = {
    CallBegins.statement: "begin_call",
    TryFailed.statement: "record_try",
    ActionDone.statement: "record_action",
    _FINISH: "finish",
}
"""What may be stored together with writes of other runs, as ``write_runs_v1`` calls it. The rest is rare, or about to
give the execution's job to others."""


class Runs:
    """The runs of this worker. Every method raises ``Unavailable`` where no database answers.

    A write returns its outcome, in which it learns of a cancel; None says that the claim is lost, and that the run is
    another's or over. Each takes along what the run has to tell: ``logs`` are stored in the same statement.

    Args:
        database: Where they are.
        limits: What tenants may use that have no limits of their own.
    """

    def __init__(self, database: Database, limits: Limits = DEFAULTS) -> None:
        self._database = database
        claimed_under = (Limit.MAX_RUNNING, Limit.MAX_RUN_SECONDS, Limit.MAX_ACTIONS_SECONDS)
        self._claims = Claims(database, {str(limit): limits.get(limit) for limit in claimed_under})
        self._writes = GroupCommit(database)
        self._mails_per_day = limits.get(Limit.MAILS_PER_DAY)

    async def claim(
        self, turn: Turn, *, lease: float, full: Collection[UUID] = (), passes: bool = False
    ) -> Claim | None:
        """Take the first of a tenant's executions that are pending, waited long enough, or lost their worker.

        What cannot go on is ended here: one that was cancelled or whose time is over while nobody held it, and one that
        the rule's concurrency policy skips or cancels. What is claimed is told in its log in the same statement.

        Args:
            turn: The tenant's turn, and what it was given out for.
            lease: Seconds for which the execution is this worker's, unless it renews the claim.
            full: The tenants that hold their share of the slots here: each passes its turn while others wait.
            passes: Whether such a tenant passes it in any case.

        Returns:
            The claim, None where there is nothing to do: the turn was passed, the execution is another's, it has ended,
            or it has to stay pending until others have ended, which then brings another job.
        """
        return await self._claims.claim(AskedTurn(turn, float(lease), tuple(full), passes))

    async def count_mails(self, claim: Claim, mails: int) -> int | None:
        """Count mails of a run's tenant, or none and return its limit of today where they would exceed it."""
        named = {"tenant": claim.tenant, "mails": mails, "most": self._mails_per_day}
        return await self._database.fetch_one(_COUNT_MAILS, named, scalar_row, repeatable=False)

    async def renew(self, claim: Claim, *, lease: float) -> Renewal | None:
        """Hold the execution for another ``lease`` seconds; None where the claim is lost."""
        return await self._database.fetch_one(_RENEW, claim.names | {"lease": float(lease)}, class_row(Renewal))

    async def write(
        self, claim: Claim, write: Write, logs: LogPart = NOTHING, *, actions_seconds: float = 0
    ) -> Outcome | None:
        """Store what happened, together with what is to be logged.

        Args:
            claim: The run.
            write: What happened.
            logs: What to log.
            actions_seconds: How long the attempt has been in its actions.
        """
        values = {**write.values(), "actions_seconds": float(actions_seconds)}
        return await self._write(write.statement, claim, values, logs)

    async def end(
        self,
        claim: Claim,
        ending: Ending,
        logs: LogPart,
        *,
        done: ActionDone | None = None,
        actions_seconds: float = 0,
    ) -> Outcome | ExecutionStatus | None:
        """Give the claim up: finish the execution, or release it to rest or to another worker.

        Args:
            claim: The run.
            ending: How it ends.
            logs: What to log.
            done: The action after which the execution is finished, where it isn't stored yet.
            actions_seconds: How long the attempt has been in its actions, with that one.
        """
        match ending:
            case Finished(status=status, last=last):
                return await self.finish(
                    claim,
                    status,
                    error_message=ending.error_message,
                    error_stack=ending.error_stack,
                    failed_action_index=ending.failed_action_index,
                    keep_call_key=ending.outcome_unknown,
                    logs=logs,
                    last=last,
                    done=done,
                    actions_seconds=actions_seconds,
                )
            case Resting(action_index=index, resume_at=resume_at, last=last):
                told = LogPart(logs.first, (*logs.entries, last))
                result = {"until": resume_at.isoformat()}
                return await self.wait(claim, next_action=index + 1, resume_at=resume_at, result=result, logs=told)
            case HandedBack():
                return await self.release(claim, logs=logs)

    async def wait(
        self, claim: Claim, *, next_action: int, resume_at: datetime, result: Any | None = None, logs: LogPart = NOTHING
    ) -> Outcome | None:
        """Release the execution until ``resume_at``, when it resumes with ``next_action``.

        The wait itself, the action before that one, counts as successful when it is over. It does not begin, and
        nothing is stored, where a cancel was accepted.
        """
        values = {"next_action": next_action, "resume_at": resume_at, "result": encoded_result(result)}
        return await self._write(_WAIT, claim, values, logs)

    async def log(self, claim: Claim, logs: LogPart) -> Outcome | None:
        """Append to the execution's log: at most 1,000 entries or 256 KiB, of which one says that it was cut."""
        return await self._write(_LOG, claim, {}, logs)

    async def finish(
        self,
        claim: Claim,
        status: ExecutionStatus,
        *,
        error_message: str | None = None,
        error_stack: str | None = None,
        failed_action_index: int | None = None,
        keep_call_key: bool = False,
        logs: LogPart = NOTHING,
        last: LogEntry | None = None,
        done: ActionDone | None = None,
        actions_seconds: float = 0,
    ) -> ExecutionStatus | None:
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
            last: The log's last word, that it ended so.
            done: The action that was the last, where it isn't stored yet.
            actions_seconds: How long the attempt has been in its actions, with that one.

        Returns:
            ``CANCELLED`` where a cancel was accepted before, whatever ``status`` is: then its reason is the log's last
            word, and nothing went wrong. Else ``status``; None where the claim is lost.
        """
        values = {
            "status": status.value,
            "error_message": shortened(error_message, LONGEST_MESSAGE),
            "error_stack": shortened(error_stack, LONGEST_STACK),
            "failed_action": failed_action_index,
            "keep_call_key": keep_call_key,
            "last": None if last is None else stored_entries([last]),
            "done": None if done is None else done.index,
            "result": None if done is None else encoded_result(done.result),
            "done_failed": None if done is None else done.failed,
            "actions_seconds": float(actions_seconds),
        }
        ended = await self._ask(_FINISH, claim, values, logs)
        return None if ended is None else ExecutionStatus(ended)

    async def release(self, claim: Claim, *, logs: LogPart = NOTHING) -> Outcome | None:
        """Hand the execution back as it is, together with a job, so that another worker goes on with it at once.

        It is not handed back, and nothing is stored, where a cancel was accepted.
        """
        return await self._write(_RELEASE, claim, {}, logs)

    async def mark_rule_error(self, claim: Claim, reason: str) -> None:
        """Give the rule the status ``error``, unless it was changed since the version that the run pins."""
        named = {
            "tenant": claim.tenant,
            "rule": claim.rule.rule_id,
            "version": claim.rule.version,
            "reason": shortened(reason, LONGEST_MESSAGE),
        }
        await self._database.fetch_one(_MARK_RULE, named, scalar_row)

    async def _write(self, query: bytes, claim: Claim, values: Mapping[str, object], logs: LogPart) -> Outcome | None:
        answer = await self._ask(query, claim, values, logs)
        return None if answer is None else Outcome(answer)

    async def _ask(self, query: bytes, claim: Claim, values: Mapping[str, object], logs: LogPart) -> str | None:
        told = {"first": logs.first, "logs": stored_entries(logs.entries)}
        named = {**claim.names, **values, **told}
        if (kind := _SHARED.get(query)) is not None:
            return await self._writes.store(RunWrite(kind, query, named))
        answer: str | None = await self._database.fetch_one(query, named, scalar_row)
        return answer
