"""Writes of a run under its claim, each by its name: whatever is asked of one of them is asked of all."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from automation.domain.executions import ExecutionStatus
from automation.storage.runs import ActionDone, CallBegins, Claim, Runs, TryFailed
from tests.storage.runner import entry, told

WRITES: dict[str, Callable[[Runs, Claim], Awaitable[object]]] = {
    "begin_call": lambda runs, claim: runs.write(claim, CallBegins(lease=60, tries=1, call_key=uuid4())),
    "finish": lambda runs, claim: runs.finish(claim, ExecutionStatus.COMPLETED),
    "finish_with_its_last": lambda runs, claim: runs.finish(
        claim, ExecutionStatus.COMPLETED, done=ActionDone(index=0, result={"a": 1}, failed=False), actions_seconds=1.5
    ),
    "log": lambda runs, claim: runs.log(claim, told(entry())),
    "record_action": lambda runs, claim: runs.write(claim, ActionDone(index=0, result={}, failed=False)),
    "record_try": lambda runs, claim: runs.write(claim, TryFailed(tries=1, keep_call_key=True)),
    "release": lambda runs, claim: runs.release(claim),
    "renew": lambda runs, claim: runs.renew(claim, lease=60),
    "wait": lambda runs, claim: runs.wait(claim, next_action=1, resume_at=datetime.now(UTC) + timedelta(hours=1)),
}

ENDINGS = frozenset(name for name in WRITES if name.startswith("finish"))
"""Those after which the execution is over, whatever it is over with."""
