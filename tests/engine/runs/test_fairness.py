"""A worker shares its slots between tenants, and holds each to its limits."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest

from automation.domain.limits import Limit
from automation.engine.runs import queue, worker
from automation.storage.accounts.administration import Administration
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import Held, a_near_worker
from tests.engine.scenes import Scene, a_call, a_wait, messages, scene_in
from tests.engine.workers import called, eventually, never


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


@pytest.fixture
async def neighbour(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    """Another tenant."""
    async with scene_in(database_urls) as made:
        yield made


@pytest.fixture
def held(receiver: Receiver) -> Held:
    """What the receiver's calls wait for."""
    receiver.answer = made = Held()
    return made


def limit(urls: DatabaseUrls, scene: Scene, name: Limit, value: int) -> None:
    """Give a scene's tenant a limit of its own."""
    Administration(urls.owner).set_limits(scene.tenant, {name: value})


async def test_a_tenant_that_is_alone_has_all_slots_and_no_more(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, held: Held
) -> None:
    rule = await scene.rule(a_call(receiver.url, timeout=60))
    async with a_near_worker(database_urls, concurrency=4):
        executions = [await scene.execute(rule) for _ in range(7)]
        await called(receiver, 4)
        await asyncio.sleep(0.5)  # another one would have come by then
        at_once = len(receiver.received)

        held.go.set()
        ended = [await scene.ended(each) for each in executions]

    assert at_once == 4
    assert {each["status"] for each in ended} == {"completed"}


async def test_others_get_their_share_beside_a_tenant_whose_calls_all_hang(
    scene: Scene, neighbour: Scene, database_urls: DatabaseUrls, receiver: Receiver, held: Held
) -> None:
    hanging = await scene.rule(a_call(receiver.url, timeout=60))
    sleeping = await neighbour.rule(a_call(receiver.url, timeout=60))
    async with a_near_worker(database_urls, concurrency=4):
        stuck = [await scene.execute(hanging) for _ in range(8)]
        await called(receiver, 4)

        others = [await neighbour.execute(sleeping) for _ in range(4)]
        await called(receiver, 6)
        running = [(await neighbour.read(each))["status"] for each in others]
        held.go.set()
        ended = [await scene.ended(each) for each in stuck] + [await neighbour.ended(each) for each in others]

    assert running.count("running") == 2  # half of four slots, beside the four that hang
    assert {each["status"] for each in ended} == {"completed"}


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody poll, and a worker without a free slot look for others a second after it found none."""
    monkeypatch.setattr(queue, "POLLING_SECONDS", 3600.0)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 1.0)


@pytest.mark.usefixtures("looking")
async def test_others_who_come_just_after_it_was_looked_for_them_are_looked_for_again(
    scene: Scene, neighbour: Scene, database_urls: DatabaseUrls, receiver: Receiver, held: Held
) -> None:
    hanging = await scene.rule(a_call(receiver.url, timeout=60))
    sleeping = await neighbour.rule(a_call(receiver.url, timeout=60))
    async with a_near_worker(database_urls, concurrency=4):
        stuck = [await scene.execute(hanging) for _ in range(4)]
        await called(receiver, 4)

        stuck.append(await scene.execute(hanging))  # now it looks for others
        other = await neighbour.execute(sleeping)
        await called(receiver, 5)
        held.go.set()
        ended = [await scene.ended(each) for each in stuck] + [await neighbour.ended(other)]

    assert {each["status"] for each in ended} == {"completed"}


async def test_no_more_run_at_once_than_the_tenant_may_have_running(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, held: Held
) -> None:
    limit(database_urls, scene, Limit.MAX_RUNNING, 2)
    rule = await scene.rule(a_call(receiver.url, timeout=60))
    async with a_near_worker(database_urls, concurrency=4):
        executions = [await scene.execute(rule) for _ in range(5)]
        await called(receiver, 2)
        running = [(await scene.read(each))["status"] for each in executions].count("running")
        held.go.set()
        ended = [await scene.ended(each) for each in executions]

    assert running == 2
    assert {each["status"] for each in ended} == {"completed"}


async def test_an_execution_ends_with_the_tenants_time_for_it(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    limit(database_urls, scene, Limit.MAX_RUN_SECONDS, 1)
    receiver.answer = never()
    async with a_near_worker(database_urls):
        ended = await scene.run(a_call(receiver.url, timeout=60))

    assert ended["status"] == "timeout"
    assert ended["error_message"] == "The execution's time of 1 s, the tenant's limit max_run_seconds, was over."


async def test_one_that_waits_ends_with_the_tenants_time_as_well(scene: Scene, database_urls: DatabaseUrls) -> None:
    limit(database_urls, scene, Limit.MAX_RUN_SECONDS, 1)
    async with a_near_worker(database_urls):
        ended = await scene.run(a_wait(600))

    assert ended["status"] == "timeout"
    assert ended["error_message"] == "The execution took longer than 1 s, the tenant's limit max_run_seconds."


async def test_an_execution_ends_with_the_tenants_time_in_actions(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    limit(database_urls, scene, Limit.MAX_ACTIONS_SECONDS, 1)
    receiver.answer = never()
    tolerated = a_call(receiver.url, timeout=60, retries=3, go_on=True)
    async with a_near_worker(database_urls):
        ended = await scene.run(tolerated, tolerated)

    assert ended["status"] == "timeout"
    assert ended["failed_action_index"] == 0
    assert "the actions took longer than 1 s in all, the tenant's limit max_actions_seconds" in ended["error_message"]
    assert len(receiver.received) == 1
    assert "took longer than 1 s in all" in messages(ended)[-1]


async def test_what_was_spent_before_a_wait_is_kept(
    scene: Scene, database_urls: DatabaseUrls, receiver: Receiver, held: Held
) -> None:
    async with a_near_worker(database_urls):
        execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60), a_wait(0.1), a_wait(600)))
        await called(receiver)
        await asyncio.sleep(0.3)
        held.go.set()
        await eventually(lambda: spent(database_urls, execution) > 0)

    assert 0.3 <= spent(database_urls, execution) < 30


def spent(urls: DatabaseUrls, execution: UUID) -> float:
    """Return how long an execution has been in its actions, as it is stored."""
    query = "SELECT actions_seconds FROM automation_executions WHERE execution_id = %s"
    with psycopg.connect(urls.admin) as admin:
        row = admin.execute(query, (execution,)).fetchone()
    assert row is not None
    return float(row[0])
