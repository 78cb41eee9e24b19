"""Rules and executions as the API makes them, for real workers to run, and the means to watch what becomes of them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from automation.domain.executions import ExecutionStatus
from automation.domain.permissions import Role
from automation.domain.rules import Rule, RuleAction, RuleContent, RuleStatus
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from tests.administering import administering
from tests.databases import DatabaseUrls

ENDED = frozenset(ExecutionStatus) - {ExecutionStatus.PENDING, ExecutionStatus.RUNNING}

Document = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """One tenant, and what the API can do for it."""

    tenant: UUID
    user: UUID
    rules: Rules
    executions: Executions

    async def rule(self, *actions: RuleAction, **fields: Any) -> Rule:
        """Store an active rule."""
        content = RuleContent(name="Rule", status=RuleStatus.ACTIVE, trigger_config={}, actions=actions, **fields)
        return await self.rules.create(self.tenant, self.user, content)

    async def execute(self, rule: Rule, trigger: Mapping[str, Any] | None = None, *, override: bool = False) -> UUID:
        """Have a rule executed."""
        document = await self.executions.create(
            self.tenant, self.user, rule.rule_id, trigger_data=trigger, override_conditions=override
        )
        return document.execution_id

    async def run(self, *actions: RuleAction, **fields: Any) -> Document:
        """Store a rule, have it executed, and return the execution when it has ended."""
        return await self.ended(await self.execute(await self.rule(*actions, **fields), {"order": 7}))

    async def read(self, execution: UUID) -> Document:
        """Return an execution as it is now."""
        document: Document = json.loads((await self.executions.read(self.tenant, execution)).json)
        return document

    async def ended(self, execution: UUID, *, within: float = 20.0) -> Document:
        """Return an execution when it has ended."""
        return await self.until(execution, *ENDED, within=within)

    async def until(self, execution: UUID, *statuses: ExecutionStatus, within: float = 20.0) -> Document:
        """Return an execution when it has one of these statuses."""
        deadline = time.monotonic() + within
        while (document := await self.read(execution))["status"] not in statuses:
            assert time.monotonic() < deadline, document
            await asyncio.sleep(0.05)
        return document


@asynccontextmanager
async def scene_in(urls: DatabaseUrls) -> AsyncIterator[Scene]:
    """Give a fresh tenant in a database."""
    with administering(urls.owner) as administration:
        tenant = administration.create_tenant(f"tenant {uuid4()}").tenant
        user = administration.create_user(tenant, "operator@example.com", Role.OPERATOR).user
    database = Database(urls.api, pool_min=1, pool_max=4, pool_timeout=4.0, query_timeout=4.0, application_name="tests")
    await database.open()
    try:
        yield Scene(tenant, user, Rules(database), Executions(database))
    finally:
        await database.close()


def messages(document: Document, level: str | None = None) -> list[str]:
    """Return what an execution's log says."""
    return [entry["message"] for entry in document.get("logs", ()) if level in (None, entry["level"])]


def a_call(url: str, *, timeout: int = 5, retries: int = 0, go_on: bool = False, **config: Any) -> RuleAction:
    """Return an action that calls a URL."""
    return RuleAction(
        type="webhook_call",
        config={"method": "POST", "url": url, **config},
        timeout_seconds=timeout,
        retry_attempts=retries,
        continue_on_error=go_on,
    )


def a_wait(seconds: float) -> RuleAction:
    """Return an action that waits."""
    return RuleAction(type="wait", config={"seconds": seconds})
