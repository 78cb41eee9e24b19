"""The database itself keeps tenants apart, whatever a query forgets."""

import psycopg
import pytest

from automation.storage.tables import automation_rules
from tests.databases import DatabaseUrls
from tests.storage.roles import DIRECTORIES, READABLE, Connection, enter
from tests.storage.samples import Sample

TABLES = automation_rules.metadata.tables
READ_BY_THE_API = (
    *("audit_events", "automation_bulk_operations", "automation_bulk_refusals", "automation_hook_deliveries"),
    *("automation_event_subscriptions", "automation_events", "automation_schedules"),
    *("automation_rule_statistics", "automation_run_ends", "idempotency_records", "rate_windows", "tenant_usage"),
)
TENANT_OWNED = sorted(TABLES.keys() - DIRECTORIES)


@pytest.mark.parametrize("table", TENANT_OWNED)
def test_the_tenant_comes_first_in_the_primary_key(table: str) -> None:
    assert TABLES[table].primary_key.columns.keys()[0] == "tenant"


@pytest.mark.parametrize("table", TENANT_OWNED)
def test_a_tenant_owned_table_forces_its_policy_on_everybody(database_urls: DatabaseUrls, table: str) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        forced = admin.execute(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", (table,)
        ).fetchone()
        policies = admin.execute(
            "SELECT cmd, roles::text, qual IS NOT DISTINCT FROM with_check FROM pg_policies"
            " WHERE tablename = %s AND policyname = 'tenant_only'",
            (table,),
        ).fetchall()

    assert forced == (True,)
    assert policies == [("ALL", "{public}", True)]


@pytest.mark.parametrize("table", TENANT_OWNED)
def test_without_a_tenant_no_query_returns_a_row(ours: Sample, api: Connection, table: str) -> None:
    if table in {*READABLE, *READ_BY_THE_API}:
        assert api.execute(f"SELECT FROM {table}").fetchall() == []
    else:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(f"SELECT FROM {table}")


@pytest.mark.parametrize("table", TENANT_OWNED)
def test_without_a_tenant_the_owner_sees_no_row_either(ours: Sample, database_urls: DatabaseUrls, table: str) -> None:
    with psycopg.connect(database_urls.owner) as owner:
        assert owner.execute(f"SELECT FROM {table}").fetchall() == []


@pytest.mark.parametrize("tenant", ["", "not a uuid"])
def test_an_empty_tenant_finds_nothing_and_a_malformed_one_is_an_error(
    ours: Sample, api: Connection, tenant: str
) -> None:
    api.execute("SELECT set_config('app.tenant', %s, true)", (tenant,))

    if tenant:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            api.execute("SELECT FROM automation_executions")
    else:
        assert api.execute("SELECT FROM automation_executions").fetchall() == []


@pytest.mark.parametrize("table", READABLE)
def test_without_a_predicate_a_query_still_sees_one_tenant(
    ours: Sample, theirs: Sample, database_urls: DatabaseUrls, api: Connection, table: str
) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute(
            "INSERT INTO automation_execution_attempts (tenant, execution_id, attempt, status, created_at,"
            " actions_total, actions_successful, actions_failed, rule_version)"
            " SELECT tenant, execution_id, 1, 'failed', created_at, 0, 0, 0, 1 FROM automation_executions"
            " WHERE tenant = ANY (%s)",
            ([ours.tenant, theirs.tenant],),
        )
        admin.execute(
            "INSERT INTO automation_execution_labels SELECT tenant, execution_id, 'env', 'prod', created_at"
            " FROM automation_executions WHERE tenant = ANY (%s)",
            ([ours.tenant, theirs.tenant],),
        )
        admin.execute(
            "INSERT INTO tenant_limits SELECT tenant, 'weight', 1 FROM tenants WHERE tenant = ANY (%s)",
            ([ours.tenant, theirs.tenant],),
        )
        admin.execute(
            "INSERT INTO automation_secrets"
            " (tenant, name, number, key_id, data_key, ciphertext, created_by, updated_by)"
            " SELECT tenant, 'A', 1, 'k1', decode(repeat('00', 60), 'hex'), decode(repeat('00', 36), 'hex'), tenant,"
            " tenant FROM tenants WHERE tenant = ANY (%s)",
            ([ours.tenant, theirs.tenant],),
        )
        admin.execute(
            "INSERT INTO automation_rule_secrets SELECT tenant, 'A', rule_id FROM automation_rules"
            " WHERE tenant = ANY (%s)",
            ([ours.tenant, theirs.tenant],),
        )
    enter(api, ours)

    tenants = api.execute(f"SELECT DISTINCT tenant FROM {table}").fetchall()

    assert tenants == [(ours.tenant,)]


def test_without_a_predicate_only_ones_own_id_is_found(ours: Sample, theirs: Sample, api: Connection) -> None:
    enter(api, ours)
    query = "SELECT execution_id FROM automation_executions WHERE execution_id = %s"

    own = api.execute(query, (ours.execution.execution_id,)).fetchall()
    foreign = api.execute(query, (theirs.execution.execution_id,)).fetchall()

    assert own == [(ours.execution.execution_id,)]
    assert foreign == []


@pytest.mark.parametrize(
    ("function", "identifier"),
    [
        ("get_execution_v1", "execution_id"),
        ("get_rule_v1", "rule_id"),
    ],
)
def test_the_functions_find_only_ones_own_without_their_predicate(
    ours: Sample, theirs: Sample, database_urls: DatabaseUrls, function: str, identifier: str
) -> None:
    def id_of(sample: Sample) -> object:
        return sample.execution.execution_id if identifier == "execution_id" else sample.rule.rule_id

    with psycopg.connect(database_urls.owner) as owner:
        made = owner.execute("SELECT pg_get_functiondef(%s::regproc)", (function,)).fetchone()
        assert made is not None
        careless = str(made[0]).replace(".tenant = p_tenant AND", ".tenant IS NOT NULL AND")
        assert careless != made[0]
        owner.execute(careless.encode())
        query = f"SELECT {identifier} FROM {function}(%s, %s)"
        own = owner.execute(query, (ours.tenant, id_of(ours))).fetchall()
        foreign = owner.execute(query, (ours.tenant, id_of(theirs))).fetchall()
        owner.rollback()

    assert own == [(id_of(ours),)]
    assert foreign == []


def test_a_worker_writes_for_its_own_tenant(ours: Sample, worker: Connection) -> None:
    enter(worker, ours)

    written = worker.execute(
        "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status)"
        " VALUES (%s, gen_random_uuid(), %s, 'pending')",
        (ours.tenant, ours.rule.rule_id),
    )

    assert written.rowcount == 1


def test_a_row_with_another_tenants_id_is_refused(ours: Sample, theirs: Sample, worker: Connection) -> None:
    enter(worker, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        worker.execute(
            "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status)"
            " VALUES (%s, gen_random_uuid(), %s, 'pending')",
            (theirs.tenant, theirs.rule.rule_id),
        )


def test_an_execution_of_another_tenants_rule_is_refused(ours: Sample, theirs: Sample, worker: Connection) -> None:
    enter(worker, ours)

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        worker.execute(
            "INSERT INTO automation_executions (tenant, execution_id, automation_rule_id, status)"
            " VALUES (%s, gen_random_uuid(), %s, 'pending')",
            (ours.tenant, theirs.rule.rule_id),
        )


def test_another_tenants_execution_cannot_be_changed(ours: Sample, theirs: Sample, worker: Connection) -> None:
    enter(worker, ours)

    changed = worker.execute(
        "UPDATE automation_executions SET status = 'failed' WHERE execution_id = %s", (theirs.execution.execution_id,)
    )

    assert changed.rowcount == 0


def test_the_tenant_is_forgotten_with_the_statement(ours: Sample, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.api, autocommit=True) as api:
        found = api.execute(
            "SELECT status FROM get_execution_v1(%s, %s)", (ours.tenant, ours.execution.execution_id)
        ).fetchall()
        left = api.execute("SELECT FROM automation_executions").fetchall()

    assert found == [("pending",)]
    assert left == []
