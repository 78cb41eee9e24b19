"""Executions that are more than one request changes, and the end of the operation that changes them."""

import time
from typing import Any

from sqlalchemy import text

from tests.system.paging import page
from tests.system.tenancy import Tenant

PATIENCE = 100.0


def failed(tenant: Tenant, count: int, rule: dict[str, Any] | None = None) -> dict[str, Any]:
    """Store so many failed executions of a rule, and return the filter that leaves them."""
    rule = rule or tenant.create_rule()
    one = tenant.add_failed_execution(rule).rpartition("/")[2]
    with tenant.administration._tenant_transaction(tenant.tenant) as (connection, _):
        connection.execute(
            text(
                "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status, created_at,"
                " started_at, completed_at, duration_ms, rule_version, queued_at)"
                " SELECT e.tenant, gen_random_uuid(), e.automation_rule_id, e.status, e.created_at, e.started_at,"
                " e.completed_at, e.duration_ms, e.rule_version, e.queued_at"
                " FROM automation_executions e, generate_series(2, :count) WHERE e.execution_id = :one"
            ),
            {"count": count, "one": one},
        )
    return {"automation_rule_id": [rule["rule_id"]], "status": ["failed"]}


def over(tenant: Tenant, location: str) -> dict[str, Any]:
    """Return an operation once it is over."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        operation: dict[str, Any] = page(tenant, location)["data"]
        if operation["status"] in {"completed", "failed"}:
            return operation
        time.sleep(0.1)
    raise AssertionError(f"it is not over: {operation}")
