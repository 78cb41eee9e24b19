"""Tables and steps that the tests of row-level security and of grants have in common."""

import psycopg

from tests.storage.samples import Sample

READABLE = (
    "automation_execution_attempts",
    "automation_execution_labels",
    "automation_execution_logs",
    "automation_executions",
    "automation_rule_secrets",
    "automation_rule_versions",
    "automation_rules",
    "automation_secrets",
    "tenant_limits",
)
DIRECTORIES = ("api_keys", "automation_hook_tokens", "tenants", "write_probes")

Connection = psycopg.Connection[tuple[object, ...]]


def enter(connection: Connection, sample: Sample) -> None:
    """Set a transaction's tenant."""
    connection.execute("SELECT set_config('app.tenant', %s, true)", (str(sample.tenant),))
