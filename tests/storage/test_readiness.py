"""The service is ready when the database answers and has the schema that this version needs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from automation.domain.errors import Unavailable
from automation.storage import migration
from automation.storage.former import FormerDatabase
from automation.storage.pool.database import Database
from automation.storage.readiness import Readiness
from tests.databases import Cluster, DatabaseUrls, as_role

WRITE = b"SELECT touch_api_keys_v1(ARRAY[decode(repeat('00', 32), 'hex')])"


async def checked(url: str, *, patience: float = 1) -> None:
    async with opened(url, patience) as readiness:
        await readiness.check()


@pytest.fixture
def own_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    with cluster.database() as urls:
        yield urls


async def test_a_migrated_database_is_ready(database_urls: DatabaseUrls) -> None:
    await checked(database_urls.api)


async def test_a_process_that_is_about_to_stop_is_not(database: Database) -> None:
    readiness = Readiness(database)
    await readiness.check()

    readiness.withdraw()

    with pytest.raises(Unavailable, match="about to stop"):
        await readiness.check()


async def test_a_database_that_is_a_migration_behind_is_not(own_urls: DatabaseUrls) -> None:
    migration.downgrade(own_urls.owner, "-1")

    with pytest.raises(Unavailable, match="migrations are not current"):
        await checked(own_urls.api)


async def test_a_database_that_was_migrated_back_to_nothing_is_not(own_urls: DatabaseUrls) -> None:
    migration.downgrade(own_urls.owner, "base")

    with pytest.raises(Unavailable, match="migrations are not current"):
        await checked(own_urls.api)


async def test_a_database_that_was_never_migrated_is_not(cluster: Cluster) -> None:
    with cluster.database(migrated=False) as urls, pytest.raises(Unavailable, match="migrations are not current"):
        await checked(urls.api)


async def test_a_database_that_is_away_is_not() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await checked("postgresql://nobody@127.0.0.1:1/nothing", patience=0.1)


async def test_one_that_is_read_only_is_not_until_it_can_be_written_again(
    cluster: Cluster, own_urls: DatabaseUrls
) -> None:
    database = Database(
        own_urls.api, pool_min=2, pool_max=2, pool_timeout=2, query_timeout=2, application_name="read only"
    )
    name = conninfo_to_dict(own_urls.admin)["dbname"]
    with cluster.admin() as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        await database.open()
        readiness = Readiness(database)
        await readiness.check()
        with pytest.raises(Unavailable, match="read-only"):
            await database.fetch_row(WRITE, repeatable=False)
        with pytest.raises(Unavailable, match="read-only"):
            await readiness.check()
        admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())

        await until_ready(readiness)

    assert not database.refuses_writes
    await database.close()


async def test_a_role_that_has_lost_its_privileges_is_not_until_it_has_them_again(
    cluster: Cluster, own_urls: DatabaseUrls
) -> None:
    with cluster.role("INHERIT", "automation_api") as role:
        database = Database(
            as_role(own_urls.api, role),
            pool_min=1,
            pool_max=1,
            pool_timeout=2,
            query_timeout=2,
            application_name="unprivileged",
        )
        await database.open()
        readiness = Readiness(database)
        await readiness.check()
        with cluster.admin() as admin:
            admin.execute(f"REVOKE automation_api FROM {role}".encode())
            with pytest.raises(Unavailable, match="lost its privileges"):
                await readiness.check()
            with pytest.raises(Unavailable, match="does not let"):
                await database.fetch_row(b"SELECT FROM automation_rules")
            admin.execute(f"GRANT automation_api TO {role}".encode())

        await readiness.check()
        await database.close()


async def test_a_check_writes_nothing_while_no_write_has_failed(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    fetch_rows = Database.fetch_rows

    async def note(self: Database, query: bytes, *arguments: Any, **options: Any) -> Any:
        asked.append(query)
        return await fetch_rows(self, query, *arguments, **options)

    monkeypatch.setattr(Database, "fetch_rows", note)

    await checked(database_urls.api)

    assert asked == [b"SELECT version_num FROM alembic_version"]


async def test_what_a_check_writes_is_taken_back(database_urls: DatabaseUrls) -> None:
    database = Database(
        database_urls.api, pool_min=1, pool_max=1, pool_timeout=1, query_timeout=1, application_name="probe"
    )
    await database.open()
    database.refuses_writes = True

    await Readiness(database).check()
    await database.close()

    assert not database.refuses_writes
    with psycopg.connect(database_urls.admin) as admin:
        assert admin.execute("SELECT count(*) FROM write_probes").fetchone() == (0,)


@pytest.mark.parametrize(("revision", "refused"), [("0007", True), ("0001_initial", False), ("a later one", False)])
async def test_no_upgrade_is_expected_of_a_database_of_before_the_first_release(
    own_urls: DatabaseUrls, revision: str, *, refused: bool
) -> None:
    with psycopg.connect(own_urls.admin) as admin:
        admin.execute("UPDATE alembic_version SET version_num = %s", (revision,))

    if refused:
        with pytest.raises(FormerDatabase, match=revision):
            await expected(own_urls.api)
    else:
        await expected(own_urls.api)


async def test_one_that_was_never_migrated_or_shows_nothing_yet_may_be_upgraded(
    cluster: Cluster, own_urls: DatabaseUrls
) -> None:
    with cluster.database(migrated=False) as urls:
        await expected(urls.api)
    with psycopg.connect(own_urls.admin) as admin:
        admin.execute("REVOKE ALL ON alembic_version FROM PUBLIC, automation_api")
    await expected(own_urls.api)


async def test_of_one_that_is_away_nothing_is_expected() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await expected("postgresql://nobody@127.0.0.1:1/nothing", patience=0.1)


async def expected(url: str, *, patience: float = 1) -> None:
    async with opened(url, patience) as readiness:
        await readiness.expect_upgradable()


@asynccontextmanager
async def opened(url: str, patience: float) -> AsyncIterator[Readiness]:
    database = Database(
        url, pool_min=1, pool_max=1, pool_timeout=patience, query_timeout=1, application_name="readiness"
    )
    await database.open()
    try:
        yield Readiness(database)
    finally:
        await database.close()


async def until_ready(readiness: Readiness) -> None:
    async with asyncio.timeout(10):
        while True:
            with suppress(Unavailable):
                return await readiness.check()
            await asyncio.sleep(0.05)
