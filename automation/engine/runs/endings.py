"""Endings of one worker's part in an execution: the last write, under the claim that it gives up."""

from dataclasses import dataclass
from datetime import datetime

from automation.domain.executions import ExecutionStatus, LogEntry
from automation.storage.runs import Claim, LogPart, Outcome, Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The execution is over.

    ``last`` says so in the log, where no cancel was accepted before. ``outcome_unknown`` says that nobody knows what
    became of the last call: a retry of it carries the same key.
    """

    status: ExecutionStatus
    last: LogEntry | None = None
    error_message: str | None = None
    error_stack: str | None = None
    failed_action_index: int | None = None
    outcome_unknown: bool = False

    async def write(self, runs: Runs, claim: Claim, logs: LogPart) -> ExecutionStatus | None:
        """Store it; returns the status that the execution has ended with."""
        return await runs.finish(
            claim,
            self.status,
            error_message=self.error_message,
            error_stack=self.error_stack,
            failed_action_index=self.failed_action_index,
            keep_call_key=self.outcome_unknown,
            logs=logs,
            last=self.last,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """The execution waits in an action, without a worker, until a time; ``last`` says so in the log."""

    action_index: int
    resume_at: datetime
    last: LogEntry

    async def write(self, runs: Runs, claim: Claim, logs: LogPart) -> Outcome | None:
        """Store it, unless a cancel was accepted."""
        return await runs.wait(
            claim,
            next_action=self.action_index + 1,
            resume_at=self.resume_at,
            result={"until": self.resume_at.isoformat()},
            logs=LogPart(logs.first, (*logs.entries, self.last)),
        )


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The worker goes; another one shall take the execution over at once."""

    async def write(self, runs: Runs, claim: Claim, logs: LogPart) -> Outcome | None:
        """Store it, unless a cancel was accepted."""
        return await runs.release(claim, logs=logs)


Ending = Finished | Resting | HandedBack
