"""Fixtures for every test: a PostgreSQL server, and databases on it (``tests/databases.py`` says which server).

- ``cluster``: the run's server. ``with cluster.database() as urls`` gives one more database at any time.
- ``data_directories``: what makes a data directory for a server of a test's own.
- ``embedded_directory``: one of them, whose server is deleted afterwards.
- ``database_urls``: a fresh, migrated and empty database for this test: ``owner``, ``api``, ``worker``, ``admin``.
- ``administration``: the owner's commands in it, to make tenants, users, keys, rules and executions.
- ``database``: the API's pool in it, open.
- ``settings``: the environment variables that point a process of the service at it; ``session_settings``: the same for
  a database that lasts for the whole session.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from automation.service import process_memory
from automation.storage.accounts.administration import Administration
from automation.storage.embedded import EmbeddedServer
from automation.storage.pool.database import Database
from tests import kinds, memory, signals
from tests.administering import administering
from tests.databases import Cluster, DatabaseUrls, running_cluster
from tests.secret_keys import SECRET_KEYS

POSTGRESQL = "postgresql"
"""What the run's server has in the directory that the run's processes share."""

# It asserts for many tests, and is no test module: so that what it found is told as theirs is.
pytest.register_assert_rewrite("tests.system.problems")

# No example has a deadline: how long one takes says something about the machine.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_configure() -> None:
    """Begin as a run begins in a terminal, and watch for processes that tests start."""
    signals.rely_on_no_inheritance()
    _keep_compiled_modules()
    kinds.watch()


def _keep_compiled_modules() -> None:
    """Compile each module once, whatever the environment says: in this process, and in all that tests start."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run two processes more than there are cores: tests of started processes wait for a good part of their time."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by where they are, before any is deselected by its marks, and begin with the slow ones."""
    for item in items:
        kinds.mark(item)
    kinds.slowest_first(items)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected, and later none of the modules and tests, for all of them stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        process_memory.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test, and the fixtures that it is the first to ask for, start processes only if it says so."""
    with kinds.of(item):
        return (yield)


@pytest.fixture(scope="session")
def place_of_the_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all processes of the run share: pytest-xdist's workers have their own places below it."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture(scope="session")
def cluster(place_of_the_run: Path) -> Iterator[Cluster]:
    """The run's PostgreSQL server."""
    with running_cluster(place_of_the_run / POSTGRESQL) as running:
        yield running


@pytest.fixture(scope="session")
def data_directories(
    cluster: Cluster, place_of_the_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """What makes data directories for servers of a test's own, in memory as the run's is; who asks ends the server."""
    assert cluster
    return lambda name: memory.directory(place_of_the_run / POSTGRESQL, name) or tmp_path_factory.mktemp(name)


@pytest.fixture
def embedded_directory(data_directories: Callable[[str], Path]) -> Iterator[Path]:
    """A data directory, whose embedded server is deleted afterwards."""
    path = data_directories("embedded")
    yield path
    EmbeddedServer(path).discard()


@pytest.fixture
def database_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """A fresh and migrated database of this test's own."""
    with cluster.database() as urls:
        yield urls


@pytest.fixture
def administration(database_urls: DatabaseUrls) -> Iterator[Administration]:
    """The owner's commands in the test's database."""
    with administering(database_urls.owner) as commands:
        yield commands


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """The API's pool in the test's database."""
    pool = Database(
        database_urls.api, pool_min=1, pool_max=4, pool_timeout=1.5, query_timeout=2.5, application_name="tests"
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def settings(database_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process of the service that uses the test's database."""
    return _environment(database_urls, tmp_path_factory)


@pytest.fixture(scope="session")
def session_settings(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a process of the service that uses a database of the whole session."""
    with cluster.database() as urls:
        yield _environment(urls, tmp_path_factory)


def _environment(urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "AUTOMATION_DATABASE_URL": urls.api,
        "AUTOMATION_WORKER_URL": urls.worker,
        "AUTOMATION_MIGRATION_URL": urls.owner,
        "AUTOMATION_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "AUTOMATION_SECRET_KEYS": SECRET_KEYS,
    }
