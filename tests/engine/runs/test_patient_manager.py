"""Jobs are fetched several at once, in their order and as there is room, and none is kept by whoever goes."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from procrastinate import PsycopgConnector
from procrastinate.jobs import Status

from automation.engine.runs.patient_manager import MOST_FETCHED, PatientManager
from automation.storage.jobs import QUEUE
from tests.databases import DatabaseUrls
from tests.engine.scenes import Scene, a_wait, scene_in

JOBS = 3
COUNT = "SELECT status::text, count(*) FROM procrastinate.procrastinate_jobs GROUP BY status"


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


@pytest.fixture
async def connector(database_urls: DatabaseUrls) -> AsyncIterator[PsycopgConnector]:
    made = PsycopgConnector(conninfo=database_urls.worker, kwargs={"options": "-c search_path=procrastinate"})
    await made.open_async()
    yield made
    await made.close_async()


async def _executions(scene: Scene) -> list[str]:
    rule = await scene.rule(a_wait(1))
    return [str(await scene.execute(rule)) for _ in range(JOBS)]


def _jobs(urls: DatabaseUrls) -> dict[str, int]:
    """Return how many jobs there are of each status."""
    with psycopg.connect(urls.admin) as admin:
        return dict(admin.execute(COUNT).fetchall())


async def test_as_many_are_fetched_as_there_is_room_for_in_their_order(
    scene: Scene, connector: PsycopgConnector, database_urls: DatabaseUrls
) -> None:
    executions = await _executions(scene)
    room = [2, 0, MOST_FETCHED]

    async def has_room() -> int:
        return room.pop(0)

    manager = PatientManager(connector, has_room)
    worker = await manager.register_worker()

    first = await manager.fetch_job([QUEUE], worker)
    taken = _jobs(database_urls)
    others = [await manager.fetch_job([QUEUE], worker) for _ in range(3)]

    assert taken == {"doing": 2, "todo": 1}
    given = [job and job.task_kwargs["execution_id"] for job in (first, *others)]
    assert given == [*executions[:2], None, executions[2]]


async def test_what_was_fetched_and_not_given_out_goes_back(
    scene: Scene, connector: PsycopgConnector, database_urls: DatabaseUrls
) -> None:
    await _executions(scene)

    async def has_room() -> int:
        return JOBS

    manager = PatientManager(connector, has_room)
    await manager.fetch_job([QUEUE], await manager.register_worker())

    await manager.give_back()

    assert _jobs(database_urls) == {"doing": 1, "todo": 2}


async def test_those_that_are_done_together_are_deleted_and_one_that_is_gone_harms_no_other(
    scene: Scene, connector: PsycopgConnector, database_urls: DatabaseUrls
) -> None:
    await _executions(scene)

    async def has_room() -> int:
        return JOBS

    manager = PatientManager(connector, has_room)
    worker = await manager.register_worker()
    jobs = [job for _ in range(JOBS) if (job := await manager.fetch_job([QUEUE], worker)) is not None]
    with psycopg.connect(database_urls.admin) as admin:
        admin.execute("DELETE FROM procrastinate.procrastinate_jobs WHERE id = %s", (jobs[0].id,))

    done = [asyncio.create_task(manager.finish_job(job, Status.SUCCEEDED, delete_job=True)) for job in jobs]
    await asyncio.wait(done[1:])

    assert _jobs(database_urls) == {}
    await asyncio.gather(*done)


async def test_a_job_writes_no_history(scene: Scene, connector: PsycopgConnector, database_urls: DatabaseUrls) -> None:
    """Nobody reads what Procrastinate keeps of each state of a job, and it would end with the job."""
    await _executions(scene)

    async def has_room() -> int:
        return 2

    manager = PatientManager(connector, has_room)
    worker = await manager.register_worker()
    jobs = [job for _ in range(2) if (job := await manager.fetch_job([QUEUE], worker)) is not None]
    await manager.give_back()
    await manager.finish_job(jobs[0], Status.SUCCEEDED, delete_job=True)

    with psycopg.connect(database_urls.admin) as admin:
        (written,) = admin.execute("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'procrastinate_events'")
        sequence = admin.execute("SELECT is_called FROM procrastinate.procrastinate_events_id_seq").fetchone()
    assert (written, sequence) == ((0,), (False,))


@pytest.mark.parametrize("stirred", [False, True])
async def test_what_is_heard_while_it_fetches_is_heard_again_afterwards(stirred: bool) -> None:
    heard: list[str] = []

    async def wake(*, channel: str, notification: object) -> None:
        heard.append(channel)

    async def has_room() -> int:
        if stirred:
            manager.stir()
        return 0

    manager = PatientManager(PsycopgConnector(), has_room)
    manager._wake = wake

    fetched = await manager.fetch_job([QUEUE], 1)
    for _ in range(3):
        await asyncio.sleep(0)

    assert fetched is None
    assert heard == [QUEUE] * 2 * stirred
