"""Executions of the demo of which there are more than one request changes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from automation.storage.accounts.administration import Administration
from automation.storage.bulk_changes import MOST

ATTEMPT = 7
"""Of which attempt they are, by which programs find them."""

_COPIES = """
INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status, created_at, started_at,
    completed_at, duration_ms, rule_version, queued_at, attempt)
SELECT e.tenant, gen_random_uuid(), e.automation_rule_id, e.status, e.created_at, e.started_at, e.completed_at,
    e.duration_ms, e.rule_version, e.queued_at, :attempt
FROM automation_executions e, generate_series(0, :most) WHERE e.execution_id = :one
"""


def add_many(owner_url: str, demo: Mapping[str, Any]) -> None:
    """Store copies of the demo's completed execution, one more than a request changes."""
    administration = Administration(owner_url)
    with administration._tenant_transaction(demo["tenants"]["acme"]) as (connection, _):
        connection.execute(text(_COPIES), {"attempt": ATTEMPT, "most": MOST, "one": demo["executions"]["completed"]})
