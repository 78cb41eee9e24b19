"""Each role can do what it must and nothing else."""

import psycopg
import pytest

from automation.domain.executions import ExecutionStatus
from tests.databases import DatabaseUrls
from tests.storage.roles import DIRECTORIES, READABLE, Connection, enter
from tests.storage.samples import Sample, prefix_of


@pytest.mark.parametrize("table", [*DIRECTORIES, "users", "roles", "role_permissions", "user_roles"])
@pytest.mark.parametrize("role", ["api", "worker"])
def test_what_keys_lead_to_cannot_be_read_directly(database_urls: DatabaseUrls, role: str, table: str) -> None:
    with (
        psycopg.connect(getattr(database_urls, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"SELECT FROM {table}")


def test_the_function_resolves_a_key_that_cannot_be_read(ours: Sample, api: Connection) -> None:
    digest = ours.add_key()

    resolved = api.execute(
        "SELECT outcome, tenant, user_id, prefix FROM resolve_api_key_v1(%s, NULL, true)", (digest,)
    ).fetchone()

    assert resolved == ("accepted", ours.tenant, ours.user, prefix_of(digest))


def test_only_the_api_may_ask_for_keys(ours: Sample, worker: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute("SELECT outcome FROM resolve_api_key_v1(%s, NULL, true)", (ours.add_key(),))


def test_functions_that_see_more_than_their_caller_are_closed(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        definers = admin.execute(
            "SELECT proname, pg_get_userbyid(proowner), proconfig::text,"
            " has_function_privilege('public', oid, 'EXECUTE')"
            " FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname"
        ).fetchall()

    pinned = '{"search_path=pg_catalog, public, pg_temp"}'
    assert definers == [
        ("defer_execution_v1", "automation_directory", pinned, False),
        ("describe_principal_v1", "automation_directory", pinned, False),
        ("find_due_schedules_v1", "automation_directory", pinned, False),
        ("find_expired_executions_v1", "automation_directory", pinned, False),
        ("fold_run_ends_v1", "automation_directory", pinned, False),
        ("keep_hook_v1", "automation_directory", pinned, False),
        ("lease_requests_v1", "automation_directory", pinned, False),
        ("list_retention_v1", "automation_directory", pinned, False),
        ("next_bulk_operation_v1", "automation_directory", pinned, False),
        ("probe_writes_v1", "automation_directory", pinned, False),
        ("prune_bulk_operations_v1", "automation_directory", pinned, False),
        ("prune_events_v1", "automation_directory", pinned, False),
        ("prune_idempotency_records_v1", "automation_directory", pinned, False),
        ("resolve_api_key_v1", "automation_directory", pinned, False),
        ("resolve_hook_v1", "automation_directory", pinned, False),
        ("rotate_hook_v1", "automation_directory", pinned, False),
        ("sweep_due_executions_v1", "automation_directory", pinned, False),
        ("touch_api_keys_v1", "automation_directory", pinned, False),
    ]


def test_no_function_can_be_executed_by_everybody(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        public = admin.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE has_function_privilege('public', oid, 'EXECUTE')"
            " AND pronamespace IN ('public'::regnamespace, 'procrastinate'::regnamespace)"
        ).fetchall()

    assert public == []


def test_the_directory_sees_no_more_of_executions_than_when_they_are_due(
    ours: Sample, theirs: Sample, database_urls: DatabaseUrls
) -> None:
    ours.add_execution(status=ExecutionStatus.COMPLETED)
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SET ROLE automation_directory")

        seen = admin.execute(
            "SELECT DISTINCT status FROM automation_executions WHERE tenant = ANY (%s)", ([ours.tenant, theirs.tenant],)
        ).fetchall()
        for table in set(READABLE) - {"tenant_limits"}:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), admin.transaction():
                admin.execute(f"SELECT * FROM {table}")
        columns = admin.execute(
            "SELECT privilege_type, array_agg(column_name::text ORDER BY column_name)"
            " FROM information_schema.column_privileges"
            " WHERE grantee = 'automation_directory' AND table_name = 'automation_executions' GROUP BY 1 ORDER BY 1"
        ).fetchall()

    assert seen == [("pending",)]
    assert columns == [
        ("SELECT", ["attempt", "due_at", "execution_id", "expires_at", "priority", "queued_at", "status", "tenant"]),
        ("UPDATE", ["due_at"]),
    ]


@pytest.mark.parametrize(
    "column",
    [
        "automation_rule_id",
        "created_at",
        "created_by",
        "execution_id",
        "labels",
        "override_conditions",
        "priority",
        "tenant",
    ],
)
@pytest.mark.parametrize("role", ["api", "worker"])
def test_what_an_execution_was_created_with_never_changes(
    ours: Sample, database_urls: DatabaseUrls, role: str, column: str
) -> None:
    with psycopg.connect(getattr(database_urls, role)) as connection:
        enter(connection, ours)

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"UPDATE automation_executions SET {column} = {column}")


@pytest.mark.parametrize("column", ["rule_version", "trigger_data"])
def test_what_a_retry_may_replace_a_worker_may_not(ours: Sample, database_urls: DatabaseUrls, column: str) -> None:
    with psycopg.connect(database_urls.worker) as connection:
        enter(connection, ours)

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"UPDATE automation_executions SET {column} = {column}")


def test_the_api_cannot_pass_for_a_worker(ours: Sample, api: Connection) -> None:
    enter(api, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute("UPDATE automation_executions SET fence = fence + 1")


WRITABLE = {
    "api": {
        ("audit_events", "INSERT"),
        ("automation_bulk_operations", "INSERT"),
        ("automation_bulk_operations", "UPDATE"),
        ("automation_bulk_refusals", "INSERT"),
        ("automation_event_subscriptions", "DELETE"),
        ("automation_event_subscriptions", "INSERT"),
        ("automation_events", "INSERT"),
        ("automation_events", "UPDATE"),
        ("automation_execution_attempts", "INSERT"),
        ("automation_execution_labels", "INSERT"),
        ("automation_execution_logs", "INSERT"),
        ("automation_executions", "DELETE"),
        ("automation_executions", "INSERT"),
        ("automation_executions", "UPDATE"),
        ("automation_hook_deliveries", "INSERT"),
        ("automation_rule_secrets", "DELETE"),
        ("automation_rule_secrets", "INSERT"),
        ("automation_rule_versions", "INSERT"),
        ("automation_rules", "INSERT"),
        ("automation_run_ends", "INSERT"),
        ("automation_rules", "UPDATE"),
        ("automation_secrets", "DELETE"),
        ("automation_secrets", "INSERT"),
        ("automation_schedules", "DELETE"),
        ("automation_schedules", "INSERT"),
        ("automation_schedules", "UPDATE"),
        ("automation_secrets", "UPDATE"),
        ("idempotency_records", "INSERT"),
        ("idempotency_records", "UPDATE"),
        ("tenant_usage", "INSERT"),
        ("tenant_usage", "UPDATE"),
    },
    "worker": {
        ("audit_events", "DELETE"),
        ("automation_executions", "DELETE"),
        ("automation_execution_labels", "INSERT"),
        ("automation_execution_logs", "INSERT"),
        ("automation_executions", "INSERT"),
        ("automation_executions", "UPDATE"),
        ("automation_rules", "UPDATE"),
        ("automation_schedules", "DELETE"),
        ("automation_schedules", "UPDATE"),
        ("automation_run_ends", "INSERT"),
        ("tenant_usage", "INSERT"),
        ("tenant_usage", "UPDATE"),
    },
}


@pytest.mark.parametrize("role", sorted(WRITABLE))
def test_a_role_writes_what_it_must_and_nothing_else(database_urls: DatabaseUrls, role: str) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        granted = admin.execute(
            "SELECT relname::text, privilege"
            " FROM pg_class, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) privilege"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND ("
            " has_table_privilege(%(role)s, oid, privilege) OR privilege IN ('INSERT', 'UPDATE')"
            " AND has_any_column_privilege(%(role)s, oid, privilege))",
            {"role": f"automation_{role}"},
        ).fetchall()

    assert set(granted) == WRITABLE[role]


@pytest.mark.parametrize(
    "table",
    [
        "automation_execution_attempts",
        "automation_execution_labels",
        "automation_execution_logs",
        "automation_rule_versions",
    ],
)
@pytest.mark.parametrize("role", ["api", "worker"])
def test_what_was_written_down_is_neither_changed_nor_taken_back(
    ours: Sample, database_urls: DatabaseUrls, role: str, table: str
) -> None:
    for statement in (f"UPDATE {table} SET tenant = tenant", f"DELETE FROM {table}"):
        with psycopg.connect(getattr(database_urls, role)) as connection:
            enter(connection, ours)

            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
