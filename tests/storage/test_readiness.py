"""The service is ready when the database answers and has the schema that this version needs."""

from collections.abc import Iterator

import pytest

from automation.domain.errors import Unavailable
from automation.storage import migration
from automation.storage.pool.database import Database
from automation.storage.readiness import Readiness
from tests.databases import Cluster, DatabaseUrls


async def checked(url: str) -> None:
    database = Database(url, pool_min=1, pool_max=1, pool_timeout=1, query_timeout=1, application_name="readiness")
    await database.open()
    try:
        await Readiness(database).check()
    finally:
        await database.close()


@pytest.fixture
def own_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    with cluster.database() as urls:
        yield urls


async def test_a_migrated_database_is_ready(database_urls: DatabaseUrls) -> None:
    await checked(database_urls.api)


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
        await checked("postgresql://nobody@127.0.0.1:1/nothing")
