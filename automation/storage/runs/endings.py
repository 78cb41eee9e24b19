"""Endings of one worker's part in an execution: the last write, under the claim that it gives up."""

from dataclasses import dataclass
from datetime import datetime

from automation.domain.executions import ExecutionStatus, LogEntry


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """The execution waits in an action, without a worker, until a time; ``last`` says so in the log."""

    action_index: int
    resume_at: datetime
    last: LogEntry


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The worker goes; another one shall take the execution over at once."""


Ending = Finished | Resting | HandedBack
