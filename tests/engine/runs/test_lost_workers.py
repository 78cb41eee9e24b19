"""An execution that its workers are lost of, one after the other, ends instead of going round among them for ever."""

from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest

from automation.storage.pool.database import Database
from automation.storage.runs import CallBegins, Runs, Turn
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import a_near_worker
from tests.engine.scenes import Scene, a_call, messages, scene_in
from tests.engine.workers import keys

CALL_KEY = UUID("0198c3a4-7a52-7c1e-9d55-000000000003")


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


@pytest.fixture
async def runs(database_urls: DatabaseUrls) -> AsyncIterator[Runs]:
    database = Database(
        database_urls.worker, pool_min=1, pool_max=2, pool_timeout=4.0, query_timeout=4.0, application_name="lost"
    )
    await database.open()
    yield Runs(database)
    await database.close()


async def lose_workers(urls: DatabaseUrls, runs: Runs, scene: Scene, execution: UUID, times: int) -> None:
    """Claim an execution, begin its next call, and be never heard of again, so many times."""
    for _ in range(times):
        claim = await runs.claim(Turn(scene.tenant, execution, 1), lease=15)
        assert claim is not None
        await runs.write(claim, CallBegins(lease=15, tries=0, call_key=CALL_KEY))
        _expire(urls)


async def test_it_fails_and_says_why_without_being_run_once_more(
    scene: Scene, database_urls: DatabaseUrls, runs: Runs, receiver: Receiver
) -> None:
    execution = await scene.execute(await scene.rule(a_call(receiver.url), a_call(receiver.url)))
    await lose_workers(database_urls, runs, scene, execution, 3)

    async with a_near_worker(database_urls, most_lost=3):
        ended = await scene.ended(execution)

    reason = "The execution was given up: its worker was lost 3 times in a row at action 0."
    assert receiver.received == []
    assert (ended["status"], ended["error_message"]) == ("failed", reason)
    assert (ended["actions_successful"], ended["actions_failed"]) == (0, 1)
    assert messages(ended)[-1] == reason


async def test_a_retry_makes_the_call_whose_outcome_is_unknown_with_its_key(
    scene: Scene, database_urls: DatabaseUrls, runs: Runs, receiver: Receiver
) -> None:
    execution = await scene.execute(await scene.rule(a_call(receiver.url)))
    await lose_workers(database_urls, runs, scene, execution, 3)

    async with a_near_worker(database_urls, most_lost=3):
        await scene.ended(execution)
        await scene.executions.retry(scene.tenant, execution, retry_from="failed_action")
        retried = await scene.ended(execution)

    assert retried["status"] == "completed"
    assert keys(receiver) == [str(CALL_KEY)]


async def test_one_loss_less_is_taken_over(
    scene: Scene, database_urls: DatabaseUrls, runs: Runs, receiver: Receiver
) -> None:
    execution = await scene.execute(await scene.rule(a_call(receiver.url)))
    await lose_workers(database_urls, runs, scene, execution, 2)

    async with a_near_worker(database_urls, most_lost=3):
        ended = await scene.ended(execution)

    assert ended["status"] == "completed"


def _expire(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("UPDATE automation_executions SET lease_until = now() - interval '1 second', due_at = now()")
