"""Connexion as it comes, ``validate_responses`` on, with SQLAlchemy's ORM: the same operation of the same contract."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from connexion import AsyncApp, request
from connexion.exceptions import Forbidden, ProblemException
from models import Execution, LogEntry, execution_of, open_engine, sessions, tenant_of

_CONTRACT = Path(__file__).parents[2] / "openapi.yaml"
_PATH = "/api/v1/automation/executions/{id}"

engine = open_engine()
session_of = sessions(engine)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    yield
    await engine.dispose()


async def authenticate(key: str) -> dict[str, Any] | None:
    """Return whom a key stands for; None is answered 401."""
    async with session_of() as session:
        found = await tenant_of(session, key)
    if found is None:
        return None
    tenant, permitted = found
    return {"sub": str(tenant), "tenant": tenant, "permitted": permitted}


async def get_automation_execution(id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    principal = request.context["token_info"]
    if not principal["permitted"]:
        raise Forbidden
    async with session_of() as session:
        execution = await execution_of(session, principal["tenant"], UUID(id))
    if execution is None:
        raise ProblemException(status=404, title="Not Found")
    # The operation has several content types, those of its errors as well.
    return {"data": _shown(execution)}, 200, {"content-type": "application/json"}


def _shown(execution: Execution) -> dict[str, Any]:
    return {
        "execution_id": execution.execution_id,
        "automation_rule_id": execution.automation_rule_id,
        "tenant": execution.tenant,
        "rule_version": execution.rule_version,
        "attempt": execution.attempt,
        "priority": execution.priority,
        "labels": execution.labels,
        "status": execution.status,
        "created_at": execution.created_at,
        "started_at": execution.started_at,
        "completed_at": execution.completed_at,
        "duration_ms": execution.duration_ms,
        "actions_total": execution.actions_total,
        "actions_successful": execution.actions_successful,
        "actions_failed": execution.actions_failed,
        "error_message": execution.error_message,
        "error_stack": execution.error_stack,
        "failed_action_index": execution.failed_action_index,
        "trigger_data": execution.trigger_data,
        "execution_context": execution.execution_context,
        "logs": [_entry(entry) for entry in execution.logs],
        "_links": execution.links,
    }


def _entry(entry: LogEntry) -> dict[str, Any]:
    return {
        "timestamp": entry.timestamp,
        "level": entry.level,
        "message": entry.message,
        "action_index": entry.action_index,
        "metadata": entry.details,
    }


def _contract() -> Mapping[str, Any]:
    """Return the contract with this one operation, wired as Connexion wants it."""
    contract: dict[str, Any] = yaml.safe_load(_CONTRACT.read_text())
    path = {name: contract["paths"][_PATH][name] for name in ("parameters", "get")}
    contract["paths"] = {_PATH: path}
    path["get"]["operationId"] = "connexion_sqlalchemy.get_automation_execution"
    # No peer sends these headers, and Connexion insists on those that the contract has.
    del path["get"]["responses"]["200"]["headers"]
    contract["components"]["securitySchemes"]["ApiKey"]["x-apikeyInfoFunc"] = "connexion_sqlalchemy.authenticate"
    return contract


app = AsyncApp(__name__, lifespan=lifespan)
app.add_api(_contract(), validate_responses=True)
