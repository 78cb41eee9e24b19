"""Life of one execution: what may happen to it, step by step, and what its row and its log say."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from automation.domain.executions import ExecutionStatus
from automation.storage.runs import ActionDone, CallBegins, Claim, LogPart, TryFailed
from tests.storage.runner import Runner, entry, told

KEY = UUID(int=7)
LOGS = """
SELECT sequence, level, message, action_index, metadata FROM automation_execution_logs
WHERE execution_id = %s AND attempt = %s ORDER BY sequence
"""


class Life:
    """One execution, whose every step is one of the methods."""

    def __init__(self, runner: Runner, execution: UUID) -> None:
        self._runner = runner
        self._execution = execution
        self._claim: Claim | None = None

    @property
    def claim(self) -> Claim:
        assert self._claim is not None
        return self._claim

    def row(self) -> dict[str, Any]:
        return self._runner.row(self._execution)

    def logs(self) -> list[Any]:
        """Return what the log of the attempt has, but for what the steps tell of themselves."""
        with psycopg.connect(self._runner.urls.admin) as admin:
            entries = admin.execute(LOGS, (self._execution, self.row()["attempt"])).fetchall()
        return [entry for entry in entries if entry[2] != "told"]

    def _told(self) -> LogPart:
        return told(entry("told"), first=self.row()["log_entries"])

    async def begins(self) -> None:
        self._claim = await self._runner.claimed(self._execution, attempt=self.row()["attempt"])

    async def calls(self) -> object:
        return await self._runner.runs.write(self.claim, CallBegins(lease=900, tries=2, call_key=KEY), self._told())

    async def fails(self) -> object:
        failed = TryFailed(tries=3, keep_call_key=True)
        return await self._runner.runs.write(self.claim, failed, self._told(), actions_seconds=1.5)

    async def fails_for_good(self) -> object:
        return await self._runner.runs.write(self.claim, TryFailed(tries=4, keep_call_key=False), actions_seconds=2.5)

    async def does(self) -> object:
        done = ActionDone(index=0, result={"n": 1}, failed=False)
        return await self._runner.runs.write(self.claim, done, self._told(), actions_seconds=3.5)

    async def does_badly(self) -> object:
        done = ActionDone(index=1, result={"n": 22}, failed=True)
        return await self._runner.runs.write(self.claim, done, actions_seconds=4.5)

    async def waits(self) -> object:
        moment = datetime.now(UTC) + timedelta(seconds=30)
        index = self.row()["next_action"] + 1
        return await self._runner.runs.wait(
            self.claim, next_action=index, resume_at=moment, result={"w": 1}, logs=self._told()
        )

    async def goes_back(self) -> object:
        return await self._runner.runs.release(self.claim, logs=self._told())

    async def tells(self) -> object:
        return await self._runner.runs.log(self.claim, self._told())

    async def renews(self) -> object:
        return await self._runner.runs.renew(self.claim, lease=900)

    async def ends(self) -> object:
        return await self._runner.runs.finish(
            self.claim,
            ExecutionStatus.FAILED,
            error_message="It broke.",
            error_stack="there",
            failed_action_index=self.row()["next_action"],
            keep_call_key=True,
            last=entry("last"),
        )

    async def ends_well(self) -> object:
        done = ActionDone(index=0, result={"a": 1}, failed=False)
        return await self._runner.runs.finish(self.claim, ExecutionStatus.COMPLETED, done=done, actions_seconds=1.5)

    async def is_cancelled(self) -> object:
        return await self._runner.executions.cancel(self._runner.tenant, self._execution)

    async def is_retried(self) -> object:
        return await self._runner.executions.retry(self._runner.tenant, self._execution, retry_from="failed_action")

    async def is_lost(self) -> None:
        self._runner.expire(self._execution)

    async def has_waited(self) -> None:
        self._runner.change(self._execution, "resume_at = now()")
