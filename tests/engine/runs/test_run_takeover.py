"""Workers that die, freeze, stop or lose their database: what they ran goes on, and nothing is written twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest

from automation.storage import migration
from automation.storage.embedded import EmbeddedServer
from tests.databases import DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.scenes import Scene, a_call, a_wait, messages, scene_in
from tests.engine.workers import a_worker, answering, called, in_turn, keys, never, slowly, worker_settings
from tests.system.processes import frozen, own_server

pytestmark = pytest.mark.process

TAKEOVER_SECONDS = 30.0


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


async def test_a_killed_workers_execution_is_taken_over(
    database_urls: DatabaseUrls, scene: Scene, receiver: Receiver
) -> None:
    receiver.answer = in_turn(answering(), never(), answering())
    settings = worker_settings(database_urls)
    del settings["AUTOMATION_LEASE"]  # the default is what is promised
    with a_worker(settings) as first:
        execution = await scene.execute(await scene.rule(a_call(receiver.url), a_call(receiver.url, timeout=60)))
        await called(receiver, 2)
        with a_worker(settings):
            first.popen.kill()
            killed = time.monotonic()

            ended = await scene.ended(execution, within=TAKEOVER_SECONDS)
            took = time.monotonic() - killed

    sent = keys(receiver)
    assert took < TAKEOVER_SECONDS
    assert ended["status"] == "completed"
    assert ended["attempt"] == 1
    assert ended["actions_successful"] == 2
    assert (len(sent), sent[1] == sent[2], sent[0] == sent[1]) == (3, True, False)
    assert "The execution goes on with another worker." in messages(ended)


async def test_a_frozen_worker_that_wakes_writes_nothing(
    database_urls: DatabaseUrls, scene: Scene, receiver: Receiver
) -> None:
    receiver.answer = in_turn(slowly(2.0, answering("500 Frozen")), slowly(3.0))
    settings = worker_settings(database_urls)
    with a_worker(settings) as first:
        execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
        await called(receiver)
        with a_worker(settings) as second:
            with frozen(first.popen.pid):
                await called(receiver, 2, within=TAKEOVER_SECONDS)
            await asyncio.sleep(1.5)  # the frozen one has its answer, a failure, and would record it
            meanwhile = await scene.read(execution)

            ended = await scene.ended(execution)
            lost = [line for line in first.log_lines() if line["event"] == "run lost"]
            finished = [line for line in second.log_lines() if line["event"] == "run finished"]

    assert meanwhile["status"] == "running"
    assert ended["status"] == "completed"
    assert not [line for line in messages(ended) if "500" in line]
    assert (len(lost), len(finished)) == (1, 1)
    assert lost[0]["claim"] < finished[0]["claim"]


async def test_a_worker_that_stops_lets_the_action_end_and_hands_the_rest_over(
    database_urls: DatabaseUrls, scene: Scene, receiver: Receiver
) -> None:
    receiver.answer = slowly(2.0)
    settings = worker_settings(database_urls)
    with a_worker(settings) as first:
        call = a_call(receiver.url, timeout=60)  # the receiver answers nobody while the other worker starts
        execution = await scene.execute(await scene.rule(call, call))
        await called(receiver)
        with a_worker(settings) as second:
            code = await asyncio.to_thread(first.stop)
            stopped = await scene.read(execution)

            ended = await scene.ended(execution, within=6.0)
            finished = [line for line in second.log_lines() if line["event"] == "run finished"]

    assert code == 0
    assert stopped["actions_successful"] == 1
    assert ended["status"] == "completed"
    assert len(finished) == 1
    assert len(set(keys(receiver))) == len(keys(receiver)) == 2


async def test_a_worker_that_stops_breaks_off_what_does_not_end(
    database_urls: DatabaseUrls, scene: Scene, receiver: Receiver
) -> None:
    receiver.answer = in_turn(never(), answering())
    settings = worker_settings(database_urls)
    with a_worker(settings | {"AUTOMATION_DRAIN_TIMEOUT": "1"}) as first:
        execution = await scene.execute(await scene.rule(a_call(receiver.url, timeout=60)))
        await called(receiver)
        with a_worker(settings):
            code = await asyncio.to_thread(first.stop)

            ended = await scene.ended(execution, within=5.0)

    assert code == 0
    assert ended["status"] == "completed"
    assert len(set(keys(receiver))) == 1


async def test_an_execution_without_a_worker_waits_for_one(
    database_urls: DatabaseUrls, scene: Scene, receiver: Receiver
) -> None:
    execution = await scene.execute(await scene.rule(a_call(receiver.url)))

    pending = await scene.read(execution)
    with a_worker(worker_settings(database_urls)):
        ended = await scene.ended(execution)

    assert pending["status"] == "pending"
    assert ended["status"] == "completed"


async def test_an_execution_whose_job_was_lost_is_found(
    database_urls: DatabaseUrls, scene: Scene, receiver: Receiver
) -> None:
    execution = await scene.execute(await scene.rule(a_call(receiver.url)))
    _delete_jobs(database_urls)

    with a_worker(worker_settings(database_urls)):
        ended = await scene.ended(execution, within=20.0)

    assert ended["status"] == "completed"


async def test_the_jobs_of_ended_executions_are_gone(
    database_urls: DatabaseUrls, scene: Scene, receiver: Receiver
) -> None:
    with a_worker(worker_settings(database_urls)) as worker:
        for _ in range(5):
            await scene.run(a_call(receiver.url))
        await asyncio.to_thread(worker.stop)

    assert _jobs(database_urls) == 0


async def test_a_worker_outlives_a_restart_of_its_database(
    data_directories: Callable[[str], Path], receiver: Receiver
) -> None:
    with own_server(data_directories("restart")) as server:
        urls = _migrated(server)
        receiver.answer = in_turn(slowly(4.0), answering())
        with a_worker(worker_settings(urls)) as worker:
            async with scene_in(urls) as scene:
                execution = await scene.execute(await scene.rule(a_call(receiver.url), a_wait(0.1)))
                await called(receiver)
                await asyncio.to_thread(server.halt)
                await asyncio.sleep(2.0)
                await asyncio.to_thread(server.resume)

                ended = await scene.ended(execution)
                other = await scene.run(a_call(receiver.url))
            alive = worker.popen.poll() is None

    assert alive
    assert (ended["status"], other["status"]) == ("completed", "completed")
    assert len(keys(receiver)) == 2


def _delete_jobs(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("DELETE FROM procrastinate.procrastinate_jobs")


def _jobs(urls: DatabaseUrls) -> object:
    with psycopg.connect(urls.admin) as admin:
        row = admin.execute("SELECT count(*) FROM procrastinate.procrastinate_jobs").fetchone()
    return row and row[0]


def _migrated(server: EmbeddedServer) -> DatabaseUrls:
    urls = server.start()
    migration.upgrade(urls.owner)
    return DatabaseUrls(urls.owner, urls.api, urls.worker, urls.admin)
