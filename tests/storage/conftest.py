"""One database for the tests of a module: each test makes tenants of its own in it."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from automation.storage.accounts.administration import Administration
from automation.storage.due import Due
from automation.storage.executions import Executions
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database
from automation.storage.rules import Rules
from automation.storage.runs import Runs
from tests.administering import administering
from tests.databases import Cluster, DatabaseUrls
from tests.storage.roles import Connection
from tests.storage.runner import Runner
from tests.storage.samples import Sample, sample


@pytest.fixture(scope="module")
def database_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A fresh and migrated database for this module."""
    with cluster.database() as urls:
        yield urls


@pytest.fixture(scope="module")
def administration(database_urls: DatabaseUrls) -> Iterator[Administration]:
    """The owner's commands in the module's database."""
    with administering(database_urls.owner) as commands:
        yield commands


@pytest.fixture
def ours(administration: Administration) -> Sample:
    """A tenant with a user, a rule and an execution."""
    return sample(administration)


@pytest.fixture
def theirs(administration: Administration) -> Sample:
    """Another tenant with a user, a rule and an execution."""
    return sample(administration)


@pytest.fixture
def executions(database: Database) -> Executions:
    return Executions(database)


@pytest.fixture
def keys(database: Database) -> KeyDirectory:
    return KeyDirectory(database)


@pytest.fixture
def rules(database: Database) -> Rules:
    return Rules(database)


@pytest.fixture
async def workers_database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """The workers' pool in the module's database."""
    pool = Database(
        database_urls.worker, pool_min=1, pool_max=8, pool_timeout=4, query_timeout=4, application_name="tests' worker"
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def runs(workers_database: Database) -> Runs:
    return Runs(workers_database)


@pytest.fixture
def due(workers_database: Database) -> Due:
    return Due(workers_database)


@pytest.fixture
def runner(ours: Sample, database_urls: DatabaseUrls, rules: Rules, executions: Executions, runs: Runs) -> Runner:
    """What a run's tests do again and again, for one tenant."""
    return Runner(ours, database_urls, rules, executions, runs)


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
