"""How one worker's part in an execution ends: what is written last, under the claim that it gives up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from automation.domain.executions import ExecutionStatus, LogEntry
from automation.storage.runs import Claim, Runs

Write = Callable[[Runs, Claim], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The execution is over.

    ``outcome_unknown`` says that nobody knows what became of the last call: a retry of it carries the same key.
    """

    status: ExecutionStatus
    error_message: str | None = None
    error_stack: str | None = None
    failed_action_index: int | None = None
    outcome_unknown: bool = False

    def write(self, logs: Sequence[LogEntry]) -> Write:
        """Return what stores it."""

        async def write(runs: Runs, claim: Claim) -> bool:
            return await runs.finish(
                claim,
                self.status,
                error_message=self.error_message,
                error_stack=self.error_stack,
                failed_action_index=self.failed_action_index,
                keep_call_key=self.outcome_unknown,
                logs=logs,
            )

        return write


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """The execution waits in an action, without a worker, until a time."""

    action_index: int
    resume_at: datetime

    def write(self, logs: Sequence[LogEntry]) -> Write:
        """Return what stores it."""

        async def write(runs: Runs, claim: Claim) -> bool:
            return await runs.wait(
                claim,
                next_action=self.action_index + 1,
                resume_at=self.resume_at,
                result={"until": self.resume_at.isoformat()},
                logs=logs,
            )

        return write


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The worker goes; another one shall take the execution over at once."""

    def write(self, logs: Sequence[LogEntry]) -> Write:
        """Return what stores it."""

        async def write(runs: Runs, claim: Claim) -> bool:
            return (not logs or await runs.log(claim, logs)) and await runs.release(claim)

        return write


Ending = Finished | Resting | HandedBack
