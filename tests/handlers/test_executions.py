"""Answers that depend on a worker: whether an execution could be cancelled at once."""

import json
from collections.abc import AsyncIterator

import pytest

from automation.contract.compiled.links import Links
from automation.domain.permissions import Role
from automation.domain.principal import Principal
from automation.storage.accounts.administration import Administration
from automation.storage.executions import Executions
from automation.storage.pool.database import Database
from automation.storage.runs import Runs, Turn
from handlers.executions import cancel_automation_execution
from tests.databases import DatabaseUrls
from tests.storage.samples import Sample, sample


@pytest.fixture
def ours(administration: Administration) -> Sample:
    return sample(administration, Role.OPERATOR)


@pytest.fixture
def principal(ours: Sample) -> Principal:
    return Principal(ours.tenant, ours.user, frozenset(), "ak_00000000")


@pytest.fixture
async def runs(database_urls: DatabaseUrls) -> AsyncIterator[Runs]:
    """What a worker does to executions, as its own role."""
    pool = Database(
        database_urls.worker, pool_min=1, pool_max=2, pool_timeout=1.5, query_timeout=2.5, application_name="tests"
    )
    await pool.open()
    try:
        yield Runs(pool)
    finally:
        await pool.close()


async def test_one_that_nobody_runs_is_cancelled_at_once(
    ours: Sample, principal: Principal, database: Database, links: Links
) -> None:
    reply = await cancel_automation_execution(ours.execution.execution_id, principal, Executions(database), links)

    assert reply.status == 200
    assert json.loads(reply.value)["data"]["status"] == "cancelled"


async def test_one_that_a_worker_runs_is_going_to_be_cancelled(
    ours: Sample, principal: Principal, database: Database, links: Links, runs: Runs
) -> None:
    await runs.claim(Turn(ours.tenant, ours.execution.execution_id, 1), lease=15)

    reply = await cancel_automation_execution(ours.execution.execution_id, principal, Executions(database), links)

    assert reply.status == 202
    assert json.loads(reply.value)["data"]["status"] == "running"
