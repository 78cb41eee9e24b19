"""Migrations lead up, down and up again, and only one process at a time makes them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from automation.domain.errors import Unavailable
from automation.storage import former, migration, migrations, revisions
from automation.storage.accounts import engine
from automation.storage.revisions import MigrationFailed
from automation.storage.tables import automation_rules
from tests.databases import Cluster, DatabaseUrls, as_role

# Everything that a migration may leave behind, in words.
CATALOGUE = """
SELECT 'relation', relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'function', proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'type', typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
UNION ALL SELECT 'policy', policyname::text FROM pg_policies
UNION ALL SELECT 'privilege', grantee || ' ' || privilege_type || ' ' || table_name
    FROM information_schema.role_table_grants WHERE grantee LIKE 'automation\\_%' AND grantee NOT LIKE '%owner'
UNION ALL SELECT 'column privilege', grantee || ' ' || privilege_type || ' ' || table_name || ' ' || column_name
    FROM information_schema.column_privileges WHERE grantee LIKE 'automation\\_%' AND grantee NOT LIKE '%owner'
UNION ALL SELECT 'forced', relname::text FROM pg_class WHERE relforcerowsecurity
UNION ALL SELECT 'schema', acl::text FROM pg_namespace, unnest(nspacl) acl WHERE nspname = 'public'
UNION ALL SELECT 'schema', nspname::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
ORDER BY 1, 2
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND contypid = 0 ORDER BY 1, 2
"""
# SQLAlchemy warns of its own class for the domains that it finds.
DOMAINS_ARE_FOUND = pytest.mark.filterwarnings("ignore:Type object <class '.*DOMAIN'>")
DOMAINS = """
SELECT t.typname::text, format_type(t.typbasetype, t.typtypmod), t.typnotnull, pg_get_constraintdef(c.oid)
FROM pg_type t LEFT JOIN pg_constraint c ON c.contypid = t.oid
WHERE t.typnamespace = 'public'::regnamespace AND t.typtype = 'd' ORDER BY 1, 4
"""
COLUMNS = """
SELECT table_name::text, ordinal_position::int, column_name::text, data_type::text, domain_name::text,
       is_nullable::text, column_default::text
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2
"""


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A database that was never migrated."""
    with cluster.database(migrated=False) as urls:
        yield urls


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def all_revisions() -> list[str]:
    """Return what the migrations are called, the first one first."""
    (directory,) = migrations.__path__
    return [script.revision for script in ScriptDirectory(directory).walk_revisions()][::-1]


def test_up_and_down_and_up_again(empty: DatabaseUrls) -> None:
    assert revisions.current(empty.owner) is None
    before = rows(empty.admin, CATALOGUE)

    migration.upgrade(empty.owner)
    first = rows(empty.admin, CATALOGUE)
    migration.downgrade(empty.owner, "base")
    below = rows(empty.admin, CATALOGUE)
    migration.upgrade(empty.owner)
    second = rows(empty.admin, CATALOGUE)

    assert [row for row in below if "alembic" not in str(row[1])] == before
    assert second == first
    assert revisions.current(empty.owner) == revisions.head()


def test_every_single_step_can_be_taken_back(empty: DatabaseUrls) -> None:
    migration.upgrade(empty.owner)
    migration.downgrade(empty.owner, "base")
    states = {"base": rows(empty.admin, CATALOGUE)}
    for revision in all_revisions():
        migration.upgrade(empty.owner, revision)
        states[revision] = rows(empty.admin, CATALOGUE)

    for revision in ["base", *all_revisions()][-2::-1]:
        migration.downgrade(empty.owner, revision)
        assert rows(empty.admin, CATALOGUE) == states[revision]


def test_a_migration_is_called_like_its_file_and_like_none_of_before_the_first_release() -> None:
    (directory,) = migrations.__path__
    files = sorted(path.stem for path in Path(directory, "versions").glob("*.py"))

    assert all_revisions() == files
    assert revisions.head() == files[-1]
    assert not former.REVISIONS & set(files)
    assert max(map(len, files)) <= 32  # as long as Alembic's column


def test_a_second_upgrade_finds_nothing_to_do(database_urls: DatabaseUrls) -> None:
    revision = "SELECT xmin::text, version_num FROM alembic_version"
    before = rows(database_urls.admin, revision)

    migration.upgrade(database_urls.owner)

    assert rows(database_urls.admin, revision) == before


@pytest.mark.process
def test_two_processes_at_once_migrate_once_while_another_database_is_migrated(
    cluster: Cluster, empty: DatabaseUrls
) -> None:
    with cluster.database(migrated=False) as other, ThreadPoolExecutor(3) as pool:
        done = list(pool.map(upgraded_by_a_process, (empty.owner, empty.owner, other.owner)))

        assert [process.returncode for process in done] == [0, 0, 0], [process.stderr for process in done]
        assert revisions.current(empty.owner) == revisions.current(other.owner) == revisions.head()


@DOMAINS_ARE_FOUND
def test_the_tables_described_are_the_tables_migrated(database_urls: DatabaseUrls) -> None:
    with engine.create(database_urls.owner, "tests").connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})

        assert compare_metadata(context, automation_rules.metadata) == []


@DOMAINS_ARE_FOUND
def test_alembic_finds_nothing_to_migrate(database_urls: DatabaseUrls) -> None:
    with engine.create(database_urls.owner, "tests").connect() as connection:
        command.check(migration._config(connection))


@pytest.mark.parametrize("query", [CONSTRAINTS, COLUMNS, DOMAINS], ids=["constraints", "columns", "domains"])
def test_the_catalogue_agrees_with_the_tables_described(
    database_urls: DatabaseUrls, empty: DatabaseUrls, query: str
) -> None:
    with engine.create(empty.owner, "tests").begin() as connection:
        automation_rules.metadata.create_all(connection)

    described = rows(empty.owner, query)

    assert [row for row in rows(database_urls.owner, query) if row[0] != "alembic_version"] == described


def test_an_owner_with_createrole_grants_itself_what_it_needs(cluster: Cluster, empty: DatabaseUrls) -> None:
    with cluster.role("CREATEROLE") as name, cluster.admin() as admin:
        # What PostgreSQL 16 and later give to a role that creates another one.
        if admin.info.server_version >= 160_000:
            admin.execute(f"GRANT automation_directory TO {name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE".encode())
        admin.execute(f"ALTER DATABASE {admin_name(empty)} OWNER TO {name}".encode())
        migration.upgrade(as_role(empty.owner, name))
        able = "MEMBER" if admin.info.server_version < 160_000 else "SET"

        member = admin.execute("SELECT pg_has_role(%s, 'automation_directory', %s)", (name, able)).fetchone()
        give_back(admin, empty, name)

    assert member == (False,)


def test_an_owner_that_may_not_give_functions_away_is_told_what_to_ask_for(
    cluster: Cluster, empty: DatabaseUrls
) -> None:
    with cluster.role() as name, cluster.admin() as admin:
        admin.execute(f"ALTER DATABASE {admin_name(empty)} OWNER TO {name}".encode())

        with pytest.raises(MigrationFailed, match=f"GRANT automation_directory TO {name}"):
            migration.upgrade(as_role(empty.owner, name))

        assert revisions.current(as_role(empty.owner, name)) is None
        give_back(admin, empty, name)


def test_a_role_that_does_not_own_the_database_is_told_that_it_must(cluster: Cluster, empty: DatabaseUrls) -> None:
    with cluster.role("", "automation_directory") as name, cluster.admin() as admin:
        with psycopg.connect(empty.admin, autocommit=True) as database:
            database.execute(f"GRANT CREATE ON SCHEMA public TO {name}".encode())
            database.execute(f"GRANT CREATE ON DATABASE {admin_name(empty)} TO {name}".encode())

        with pytest.raises(MigrationFailed, match="must own the database"):
            migration.upgrade(as_role(empty.owner, name))

        give_back(admin, empty, name)


@pytest.mark.parametrize("role", ["api", "worker"])
@pytest.mark.parametrize(
    "migrate",
    [migration.upgrade, revisions.current, lambda url: migration.downgrade(url, "base")],
    ids=["upgrade", "current", "downgrade"],
)
def test_a_login_of_the_service_migrates_nothing_even_where_nothing_is_to_be_done(
    database_urls: DatabaseUrls, role: str, migrate: Callable[[str], object]
) -> None:
    with pytest.raises(MigrationFailed, match=f'{role}[a-z_]*" must own the database'):
        migrate(getattr(database_urls, role))

    assert revisions.current(database_urls.owner) == revisions.head()


def test_an_unknown_revision_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(MigrationFailed, match="9999"):
        migration.upgrade(database_urls.owner, "9999")


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        revisions.current("postgresql://nobody@127.0.0.1:1/nothing")


def upgraded_by_a_process(url: str) -> "subprocess.CompletedProcess[str]":
    program = "import sys; from automation.storage import migration; migration.upgrade(sys.argv[1])"
    return subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=False)


def admin_name(urls: DatabaseUrls) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(urls.admin)["dbname"])


def give_back(admin: "psycopg.Connection[tuple[object, ...]]", urls: DatabaseUrls, name: str) -> None:
    """Take from a role what it owns and was granted, so that it can be dropped."""
    with psycopg.connect(urls.admin, autocommit=True) as database:
        database.execute(f"DROP OWNED BY {name} CASCADE".encode())
    admin.execute(f"ALTER DATABASE {admin_name(urls)} OWNER TO CURRENT_USER".encode())
