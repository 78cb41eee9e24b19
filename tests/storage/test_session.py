"""Settings that a database or a role has for its sessions change nothing; what can't be set right is refused."""

import json
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import scalar_row

from automation.storage import migration, session
from automation.storage.accounts import engine
from automation.storage.accounts.administration import Administration
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.session import UnusableEncoding
from tests.databases import Cluster, DatabaseUrls
from tests.storage.samples import sample

STRANGE = (
    ("TimeZone", "Pacific/Kiritimati", "UTC"),
    ("DateStyle", "German, DMY", "ISO, MDY"),
    ("IntervalStyle", "iso_8601", "postgres"),
    ("default_transaction_isolation", "serializable", "read committed"),
    ("default_transaction_isolation", "repeatable read", "read committed"),
    ("default_transaction_deferrable", "on", "off"),
    ("search_path", "pg_catalog", "public, pg_temp"),
    ("search_path", "elsewhere, public", "public, pg_temp"),
    ("lc_numeric", "POSIX", "C"),
    ("bytea_output", "escape", "hex"),
    ("client_encoding", "LATIN1", "UTF8"),
    ("extra_float_digits", "-15", "1"),
    ("standard_conforming_strings", "off", "on"),
    ("row_security", "off", "on"),
    ("transform_null_equals", "on", "off"),
)


@pytest.fixture
def database_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A migrated database of this test's own, for what the test does to all of it."""
    with cluster.database() as urls:
        yield urls


def impose(urls: DatabaseUrls, name: str, value: str, *, by: str) -> None:
    """Have every later session of the database, or of each login in it, begin with a setting."""
    database = psycopg.conninfo.conninfo_to_dict(urls.admin)["dbname"]
    literal = value if name == "search_path" else f"'{value}'"
    logins = [psycopg.conninfo.conninfo_to_dict(url)["user"] for url in (urls.owner, urls.api, urls.worker)]
    whose = [f"DATABASE {database}"] if by == "database" else [f"ROLE {one} IN DATABASE {database}" for one in logins]
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        for one in whose:
            admin.execute(f"ALTER {one} SET {name} = {literal}".encode())


@pytest.mark.parametrize("by", ["database", "role"])
@pytest.mark.parametrize(("name", "strange", "ours"), STRANGE, ids=[f"{name}={value}" for name, value, _ in STRANGE])
async def test_a_setting_of_the_databases_or_the_roles_own_changes_nothing(
    database_urls: DatabaseUrls, by: str, name: str, strange: str, ours: str
) -> None:
    impose(database_urls, name, strange, by=by)

    migration.upgrade(database_urls.owner)
    made = sample(Administration(database_urls.owner))
    with engine.create(database_urls.owner, "tests").connect() as connection:
        owners = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
    apis, read = await seen_by(database_urls.api, name, made.tenant, made.execution.execution_id)
    workers, _ = await seen_by(database_urls.worker, name, made.tenant, made.execution.execution_id)

    assert {owners, apis, workers} == {ours}
    assert read["execution_id"] == str(made.execution.execution_id)
    assert read["created_at"].endswith("Z")


def test_every_setting_is_tried() -> None:
    assert {name for name, _, _ in STRANGE} == {part.split()[1] for part in session.statements().split("; ")}


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_of_another_encoding_is_refused_with_the_remedy(cluster: Cluster, encoding: str) -> None:
    with cluster.encoded(encoding) as urls:
        with pytest.raises(UnusableEncoding, match=f"encoding {encoding}.*ENCODING 'UTF8'"):
            migration.upgrade(urls.owner)
        with pytest.raises(UnusableEncoding, match=f"encoding {encoding}"):
            Administration(urls.owner).list_tenants()
        for url in (urls.api, urls.worker):
            database = opened(url)
            await database.open()
            with pytest.raises(UnusableEncoding, match=f"encoding {encoding}"):
                await database.require_safe_role()
            await database.close()


def opened(url: str) -> Database:
    """Return a pool of one connection."""
    return Database(
        url, pool_min=1, pool_max=1, pool_timeout=1.5, query_timeout=2, application_name="a strange session"
    )


async def seen_by(url: str, name: str, tenant: UUID, execution_id: UUID) -> tuple[object, dict[str, str]]:
    """Return a setting as it is for a login of the service, and an execution as that login reads it."""
    database = opened(url)
    await database.open()
    try:
        value = await database.fetch_one(b"SELECT current_setting(%(name)s)", {"name": name}, scalar_row)
        read = await Executions(database).read(tenant, execution_id)
    finally:
        await database.close()
    found: dict[str, str] = json.loads(read.json)
    return value, found
