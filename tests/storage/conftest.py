"""One database for the tests of a module: each test makes tenants of its own in it."""

from collections.abc import Iterator

import pytest

from automation.storage.administration import Administration
from automation.storage.database import Database
from automation.storage.executions import Executions
from automation.storage.keys import KeyDirectory
from tests.databases import Cluster, DatabaseUrls
from tests.storage.samples import Sample, sample


@pytest.fixture(scope="module")
def database_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A fresh and migrated database for this module."""
    with cluster.database() as urls:
        yield urls


@pytest.fixture(scope="module")
def administration(database_urls: DatabaseUrls) -> Administration:
    """The owner's commands in the module's database."""
    return Administration(database_urls.owner)


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
