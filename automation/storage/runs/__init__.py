"""Runs of executions as a worker stores them: the claim, its writes, and the endings that give it up."""

from automation.storage.runs.claim import Claim, LogPart, Outcome, Renewal, RunState, Turn
from automation.storage.runs.endings import Ending, Finished, HandedBack, Resting
from automation.storage.runs.runs import Runs

__all__ = [
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
    "Turn",
]
