"""The database itself keeps tenants apart, whatever a query forgets."""

from collections.abc import Iterator

import psycopg
import pytest

from automation.storage.tables import metadata
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample, prefix_of

READABLE = ("automation_execution_logs", "automation_executions", "automation_rules")
DIRECTORIES = ("api_keys", "tenants")
TENANT_OWNED = sorted(metadata.tables.keys() - DIRECTORIES)

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def api(database_urls: DatabaseUrls) -> Iterator[Connection]:
    """A transaction as the API's role."""
    with psycopg.connect(database_urls.api) as connection:
        yield connection


@pytest.fixture
def worker(database_urls: DatabaseUrls) -> Iterator[Connection]:
    """A transaction as the workers' role."""
    with psycopg.connect(database_urls.worker) as connection:
        yield connection


def enter(connection: Connection, sample: Sample) -> None:
    connection.execute("SELECT set_config('app.tenant', %s, true)", (str(sample.tenant),))


@pytest.mark.parametrize("table", TENANT_OWNED)
def test_the_tenant_comes_first_in_the_primary_key(table: str) -> None:
    assert metadata.tables[table].primary_key.columns.keys()[0] == "tenant"


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
    if table in READABLE:
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
    ours: Sample, theirs: Sample, api: Connection, table: str
) -> None:
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


@pytest.mark.parametrize(("function", "identifier"), [("get_execution_v1", "execution_id"), ("get_rule_v1", "rule_id")])
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
        ("resolve_api_key_v1", "automation_directory", pinned, False),
        ("touch_api_keys_v1", "automation_directory", pinned, False),
    ]


def test_the_directory_cannot_read_what_tenants_do(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("SET ROLE automation_directory")

        for table in READABLE:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), admin.transaction():
                admin.execute(f"SELECT FROM {table}")


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


@pytest.mark.parametrize("column", ["created_at", "tenant", "execution_id", "automation_rule_id", "trigger_data"])
def test_what_an_execution_was_created_with_never_changes(ours: Sample, worker: Connection, column: str) -> None:
    enter(worker, ours)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute(f"UPDATE automation_executions SET {column} = {column}")


@pytest.mark.parametrize(
    "statement", ["INSERT INTO {} DEFAULT VALUES", "UPDATE {} SET tenant = tenant", "DELETE FROM {}"]
)
@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_the_api_writes_nothing_directly(api: Connection, table: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement.format(table).encode())


def test_the_tenant_is_forgotten_with_the_statement(ours: Sample, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.api, autocommit=True) as api:
        found = api.execute(
            "SELECT status FROM get_execution_v1(%s, %s)", (ours.tenant, ours.execution.execution_id)
        ).fetchall()
        left = api.execute("SELECT FROM automation_executions").fetchall()

    assert found == [("pending",)]
    assert left == []
