"""Writes whose answer is lost are not written again: the connection breaks when it is done, before anybody is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from automation.domain.errors import Unavailable
from automation.domain.executions import ExecutionStatus
from automation.domain.pages import PageRequest
from automation.domain.rules import RuleFilter
from automation.storage.executions import Executions
from automation.storage.keys import KeyDirectory
from automation.storage.pool.database import Database
from automation.storage.rule_list import RuleList
from tests.databases import DatabaseUrls
from tests.storage.round_trips import Proxy, counting_proxy
from tests.storage.runner import Runner


@dataclass(frozen=True)
class Lossy:
    """The service's part in a database whose next answer is lost when ``lose`` was called."""

    database: Database
    executions: Executions
    keys: KeyDirectory
    rules: RuleList
    proxy: Proxy

    async def lost(self, write: Awaitable[object]) -> None:
        """Make a write whose answer is lost, and wait for what its caller is told."""
        self.proxy.answers_to_lose = 1
        with pytest.raises(Unavailable):
            await write


@pytest.fixture
async def lossy(database_urls: DatabaseUrls) -> AsyncIterator[Lossy]:
    async with counting_proxy(database_urls.api) as proxy:
        database = Database(
            proxy.url, pool_min=1, pool_max=1, pool_timeout=4, query_timeout=4, application_name="lossy", prepare=False
        )
        await database.open()
        await database.fetch_row(b"SELECT 'the one connection is open'")
        yield Lossy(database, Executions(database), KeyDirectory(database), RuleList(database), proxy)
        await database.close()


async def test_an_execution_is_created_once(runner: Runner, lossy: Lossy) -> None:
    rule = (await runner.rule()).rule_id
    before = len(runner.jobs())

    await lossy.lost(
        lossy.executions.create(runner.tenant, runner.sample.user, rule, trigger_data=None, override_conditions=False)
    )

    assert len(runner.jobs()) == before + 1


async def test_a_retry_is_the_next_attempt_and_not_the_one_after_it(runner: Runner, lossy: Lossy) -> None:
    execution = await runner.failed()

    await lossy.lost(lossy.executions.retry(runner.tenant, execution, retry_from="start"))

    assert (await runner.status(execution), runner.row(execution)["attempt"]) == (ExecutionStatus.PENDING, 2)


async def test_a_use_of_a_key_is_counted_once(runner: Runner, lossy: Lossy) -> None:
    digest = runner.sample.add_key(usage_limit=5)

    await lossy.lost(lossy.keys.resolve(digest, None, count=True))

    assert [key.usage_count for key in runner.sample.administration.list_keys(runner.tenant)] == [1]


Reading = Callable[[Lossy, Runner], Awaitable[object]]


async def test_what_only_reads_is_asked_again_and_its_caller_notices_nothing(runner: Runner, lossy: Lossy) -> None:
    execution = await runner.execute()
    digest = runner.sample.add_key()
    readings: list[Reading] = [
        lambda lossy, runner: lossy.executions.read(runner.tenant, execution),
        lambda lossy, runner: lossy.executions.attempts(runner.tenant, execution, PageRequest(25, ascending=True)),
        lambda lossy, runner: lossy.keys.resolve(digest, None, count=False),
        lambda lossy, runner: lossy.rules.page(runner.tenant, RuleFilter(deleted=False), PageRequest(25)),
        lambda lossy, runner: lossy.database.fetch_row(b"SELECT 1"),
    ]

    for read in readings:
        lossy.proxy.answers_to_lose = 1
        await read(lossy, runner)

        assert lossy.proxy.answers_to_lose == 0
        await asyncio.sleep(0)
