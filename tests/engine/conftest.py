"""Fixtures of the tests of runs: a database with one worker for a module's tests, a tenant and a receiver each."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.databases import Cluster, DatabaseUrls
from tests.engine.actions.receiver import Receiver, receiving
from tests.engine.scenes import Scene, scene_in
from tests.engine.workers import a_worker, answering, worker_settings
from tests.system.processes import Process


@pytest.fixture(scope="module")
def shared_urls(cluster: Cluster) -> Iterator[DatabaseUrls]:
    """The database of a module's tests."""
    with cluster.database() as urls:
        yield urls


@pytest.fixture(scope="module")
def worker(shared_urls: DatabaseUrls) -> Iterator[Process]:
    """One worker for a module's tests."""
    with a_worker(worker_settings(shared_urls)) as process:
        yield process


@pytest.fixture
async def scene(worker: Process, shared_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    """A tenant whose rules the module's worker runs."""
    async with scene_in(shared_urls) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Who is called; answers 200 and ``{}`` unless told otherwise."""
    async with receiving() as running:
        running.answer = answering()
        yield running
