"""The service does not run as a role that row-level security does not bind."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from automation.domain.errors import Unavailable
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.pool.membership import Group, MissingRole, require_member
from automation.storage.pool.privileges import UnsafeRole
from tests.databases import Cluster, DatabaseUrls, as_role
from tests.storage.samples import Sample


async def verified(url: str) -> None:
    database = Database(
        url, pool_min=1, pool_max=1, pool_timeout=0.4, query_timeout=1, application_name="a role to be verified"
    )
    await database.open()
    try:
        await database.require_safe_role()
    finally:
        await database.close()


async def joined(url: str, group: Group) -> None:
    database = Database(
        url, pool_min=1, pool_max=1, pool_timeout=0.4, query_timeout=1, application_name="a login to be judged"
    )
    await database.open()
    try:
        await require_member(database, group)
    finally:
        await database.close()


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_a_login_has_the_privileges_of_its_own_group_alone(database_urls: DatabaseUrls, role: str) -> None:
    own, other = (Group.API, Group.WORKER) if role == "api" else (Group.WORKER, Group.API)

    await joined(getattr(database_urls, role), own)
    with pytest.raises(MissingRole, match=f"GRANT {other} TO automation_[a-z_]*{role}"):
        await joined(getattr(database_urls, role), other)


@pytest.mark.parametrize("attributes", ["INHERIT", "NOINHERIT"])
async def test_a_login_that_must_become_its_group_first_lacks_it(
    cluster: Cluster, database_urls: DatabaseUrls, attributes: str
) -> None:
    groups = ("automation_api",) if attributes == "NOINHERIT" else ()

    with cluster.role(attributes, *groups) as name, pytest.raises(MissingRole, match=name):
        await joined(as_role(database_urls.api, name), Group.API)


@pytest.mark.parametrize("role", ["api", "worker"])
async def test_the_services_own_roles_are_accepted(database_urls: DatabaseUrls, role: str) -> None:
    await verified(getattr(database_urls, role))


async def test_a_superuser_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(UnsafeRole, match="is a superuser"):
        await verified(database_urls.admin)


async def test_the_owner_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(UnsafeRole, match="owns the database"):
        await verified(database_urls.owner)


async def test_a_role_with_bypassrls_is_refused(cluster: Cluster, database_urls: DatabaseUrls) -> None:
    with cluster.role("BYPASSRLS", "automation_api") as name, pytest.raises(UnsafeRole, match="has BYPASSRLS"):
        await verified(as_role(database_urls.api, name))


async def test_a_member_of_the_owner_is_refused(cluster: Cluster, database_urls: DatabaseUrls) -> None:
    owner = str(psycopg.conninfo.conninfo_to_dict(database_urls.owner)["user"])

    with cluster.role("", "automation_api", owner) as name, pytest.raises(UnsafeRole, match="owns the database"):
        await verified(as_role(database_urls.api, name))


async def test_a_member_of_a_role_with_bypassrls_is_refused(cluster: Cluster, database_urls: DatabaseUrls) -> None:
    with (
        cluster.role("BYPASSRLS") as group,
        cluster.role("NOINHERIT", "automation_api", group) as name,
        pytest.raises(UnsafeRole, match="has BYPASSRLS"),
    ):
        await verified(as_role(database_urls.api, name))


async def test_a_member_of_the_directory_is_refused(cluster: Cluster, database_urls: DatabaseUrls) -> None:
    with (
        cluster.role("", "automation_api", "automation_directory") as name,
        pytest.raises(UnsafeRole, match="member of automation_directory"),
    ):
        await verified(as_role(database_urls.api, name))


@contextmanager
def owning_a_table(urls: DatabaseUrls, name: str) -> Iterator[None]:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("CREATE TABLE somebodys (number integer)")
        admin.execute(f"ALTER TABLE somebodys OWNER TO {name}".encode())
        try:
            yield
        finally:
            admin.execute("DROP TABLE somebodys")


async def test_an_owner_of_a_table_is_refused(cluster: Cluster, database_urls: DatabaseUrls) -> None:
    with (
        cluster.role("", "automation_api") as name,
        owning_a_table(database_urls, name),
        pytest.raises(UnsafeRole, match="owns tables"),
    ):
        await verified(as_role(database_urls.api, name))


async def test_an_unsafe_role_reads_nothing(ours: Sample, database_urls: DatabaseUrls) -> None:
    database = Database(
        database_urls.admin, pool_min=1, pool_max=1, pool_timeout=0.4, query_timeout=1, application_name="superuser"
    )
    await database.open()

    with pytest.raises(UnsafeRole):
        await Executions(database).read(ours.tenant, ours.execution.execution_id)

    await database.close()


async def test_a_database_that_is_away_leaves_the_question_open() -> None:
    with pytest.raises(Unavailable):
        await verified("postgresql://nobody@127.0.0.1:1/nothing")
