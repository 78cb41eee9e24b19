"""Runs of executions as a worker stores them: the claim, its writes, and the endings that give it up."""

from automation.storage.runs.claim import Claim, LogPart, Outcome, Renewal, RunState, Turn
from automation.storage.runs.endings import Ending, Finished, HandedBack, Resting
from automation.storage.runs.runs import Runs
from automation.storage.runs.writes import ActionDone, CallBegins, TryFailed, Write

__all__ = [
    "ActionDone",
    "CallBegins",
    "Claim",
    "Ending",
    "Finished",
    "HandedBack",
    "LogPart",
    "Outcome",
    "Renewal",
    "Resting",
    "RunState",
    "Runs",
    "TryFailed",
    "Turn",
    "Write",
]
