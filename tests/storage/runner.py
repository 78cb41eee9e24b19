"""One tenant's rules and executions, run step by step as a worker would, and what the tables then say."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row

from automation.domain.executions import ExecutionStatus, LogEntry, LogLevel
from automation.domain.pages import PageRequest
from automation.domain.rules import Rule
from automation.domain.start_window import AT_ONCE, StartWindow
from automation.storage.executions import Executions
from automation.storage.rules import Rules
from automation.storage.runs import ActionDone, Claim, LogPart, Runs, Turn
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample, a_content

LEASE = 15.0

BEGINNING = "Attempt 1 started with version 1 of the rule."
"""What a claim has told of an attempt before its run tells anything."""


@dataclass(frozen=True)
class Runner:
    """One tenant, as its API and its workers see it."""

    sample: Sample
    urls: DatabaseUrls
    rules: Rules
    executions: Executions
    runs: Runs

    @property
    def tenant(self) -> UUID:
        return self.sample.tenant

    async def rule(self, **content: Any) -> Rule:
        """Create an active rule."""
        return await self.rules.create(self.tenant, self.sample.user, a_content(**content))

    async def execute(self, rule: Rule | None = None, *, window: StartWindow = AT_ONCE, **trigger: Any) -> UUID:
        """Create an execution, and return its id."""
        created = await self.executions.create(
            self.tenant,
            self.sample.user,
            (rule or await self.rule()).rule_id,
            trigger_data=trigger,
            override_conditions=False,
            window=window,
        )
        return created.execution_id

    async def claim(self, execution: UUID, *, attempt: int = 1, lease: float = LEASE) -> Claim | None:
        """Claim an execution."""
        return await self.runs.claim(Turn(self.tenant, execution, attempt), lease=lease)

    async def claimed(self, execution: UUID | None = None, *, attempt: int = 1, lease: float = LEASE) -> Claim:
        """Claim an execution, by default a new one, which must be possible."""
        claim = await self.claim(execution or await self.execute(), attempt=attempt, lease=lease)
        assert claim is not None
        return claim

    async def failed(self, index: int = 1, *, keep_call_key: bool = False, execution: UUID | None = None) -> UUID:
        """Run an execution until one of its actions fails for good, and return its id."""
        claim = await self.claimed(execution)
        for done in range(index):
            await self.runs.write(claim, ActionDone(index=done, result={"action": done}, failed=False))
        await self.runs.finish(
            claim,
            ExecutionStatus.FAILED,
            error_message="It broke.",
            error_stack="at action 1",
            failed_action_index=index,
            keep_call_key=keep_call_key,
            logs=told(entry("failed")),
        )
        return claim.execution_id

    async def document(self, execution: UUID) -> dict[str, Any]:
        """Return an execution as the API shows it."""
        document: dict[str, Any] = json.loads((await self.executions.read(self.tenant, execution)).json)
        return document

    async def attempts(self, execution: UUID) -> list[dict[str, Any]]:
        """Return an execution's attempts as the API shows them."""
        page = await self.executions.attempts(self.tenant, execution, PageRequest(100, ascending=True))
        return [json.loads(item) for item in page.items]

    async def status(self, execution: UUID) -> ExecutionStatus:
        """Return an execution's status."""
        return (await self.executions.read(self.tenant, execution)).status

    def row(self, execution: UUID) -> DictRow:
        """Return an execution as it is stored."""
        with psycopg.connect(self.urls.admin, row_factory=dict_row) as admin:
            row = admin.execute("SELECT * FROM automation_executions WHERE execution_id = %s", (execution,)).fetchone()
        assert row is not None
        return row

    def change(self, execution: UUID, changes: str) -> None:
        """Change an execution's row, as time would."""
        with psycopg.connect(self.urls.admin) as admin:
            statement = f"UPDATE automation_executions SET {changes} WHERE execution_id = %s"
            admin.execute(statement.encode(), (execution,))

    def expire(self, execution: UUID) -> None:
        """Let an execution's lease run out."""
        self.change(execution, "lease_until = now() - interval '1 second', due_at = now() - interval '1 second'")

    def jobs(self, execution: UUID | None = None) -> list[dict[str, Any]]:
        """Return what the jobs in the queue are about, those of the tenant or of one execution, oldest first."""
        with psycopg.connect(self.urls.admin) as admin:
            jobs = admin.execute(
                "SELECT args - 'rank' - 'since' FROM procrastinate.procrastinate_jobs"
                " WHERE args->>'tenant' = %s ORDER BY id",
                (str(self.tenant),),
            ).fetchall()
        return [job for (job,) in jobs if execution is None or job["execution_id"] == str(execution)]

    def take_jobs(self) -> None:
        """Empty the queue."""
        with psycopg.connect(self.urls.admin) as admin:
            admin.execute("DELETE FROM procrastinate.procrastinate_jobs")


def entry(message: str = "It goes on.", **fields: Any) -> LogEntry:
    """Return a log entry."""
    values: dict[str, Any] = {"timestamp": datetime.now(UTC), "level": LogLevel.INFO, "message": message}
    return LogEntry(**{**values, **fields})


def told(*entries: LogEntry, first: int = 1) -> LogPart:
    """Return a part of a log that follows what the claim has told, unless it is told where it begins."""
    return LogPart(first, entries)
