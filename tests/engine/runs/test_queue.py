"""Queue beside Procrastinate's worker: what that is told, what is left when it ends, and the jobs of the dead."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job
from structlog.testing import capture_logs

from automation.engine.runs import queue
from automation.engine.runs.patient_manager import PatientManager
from automation.engine.runs.queue import POLLING_SECONDS, Queue
from automation.storage.jobs import QUEUE, TASK
from automation.storage.runs import Turn
from tests.databases import DatabaseUrls
from tests.engine.scenes import Scene, a_wait, scene_in
from tests.turns import TurnLoop

A_JOB = Job(id=1, queue=QUEUE, lock=None, queueing_lock=None, task_name=TASK)


@pytest.fixture
def loop() -> Iterator[TurnLoop]:
    made = TurnLoop()
    yield made
    made.discard()


class Delivered:
    """Takes what is delivered, and has room for some more."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    async def take(self, turn: Turn) -> None:
        self.turns.append(turn)

    async def room(self) -> int:
        return 3


class Jobs:
    """Procrastinate's jobs, of which a look for those of the dead finds none; notes when it was looked, by a clock."""

    def __init__(self, loop: TurnLoop, *found: Exception) -> None:
        self.loop = loop
        self.found = list(found)
        self.looked: list[float] = []
        self.pruned: list[float] = []

    async def get_stalled_jobs(self, *, queue: str, seconds_since_heartbeat: float) -> list[Job]:
        assert queue == QUEUE
        self.looked.append(self.loop.now)
        if self.found:
            raise self.found.pop(0)
        return []

    async def prune_stalled_workers(self, seconds: float) -> None:
        self.pruned.append(self.loop.now)


def a_queue(delivered: Delivered, url: str = "") -> Queue:
    return Queue(url, delivered.take, delivered.room, concurrency=5)


def application_of(made: Queue) -> App:
    return made._application()


async def test_a_job_is_the_turn_of_a_tenant() -> None:
    delivered, tenant, execution = Delivered(), uuid4(), uuid4()
    run = application_of(a_queue(delivered)).tasks[TASK].func

    await run(tenant=str(tenant), execution_id=str(execution), attempt=2, rank=3, since=4)
    await run(tenant=str(tenant), execution_id=str(execution), attempt=1)

    assert delivered.turns == [Turn(tenant, execution, 2, 3, 4), Turn(tenant, execution, 1, 0, 0)]


async def test_jobs_are_looked_for_again_by_the_manager_of_its_application() -> None:
    made = a_queue(Delivered())
    made.stir()  # before there is any
    manager = application_of(made).job_manager
    assert isinstance(manager, PatientManager)

    made.stir()

    assert manager._stirred


@pytest.mark.parametrize("outage", [False, True])
def test_when_the_worker_ends_nothing_is_left_that_it_had(
    loop: TurnLoop, monkeypatch: pytest.MonkeyPatch, *, outage: bool
) -> None:
    told: dict[str, Any] = {}
    returned: list[Job] = []
    tasks: list[set[asyncio.Task[Any]]] = []

    async def worker(_application: App, **options: Any) -> None:
        told.update(options)
        await asyncio.sleep(1)
        if outage:
            raise ConnectorException

    async def returning(_manager: PatientManager, job: Job) -> None:
        returned.append(job)

    async def receive(made: Queue) -> None:
        try:
            await made._receive_from(application)
        finally:
            tasks.append(asyncio.all_tasks())

    monkeypatch.setattr(App, "run_worker_async", worker)
    monkeypatch.setattr(PatientManager, "retry_job", returning)
    made = a_queue(Delivered())
    application = application_of(made)
    cast("PatientManager", application.job_manager)._fetched.append(A_JOB)
    receiving = loop.begin(receive(made))
    loop.turn(4)
    during = asyncio.all_tasks(loop)
    loop.now += 1
    loop.turn(8)

    assert isinstance(receiving.exception(), ConnectorException) is outage
    assert (len(during), tasks, returned) == (2, [{receiving}], [A_JOB])
    assert (told["queues"], told["concurrency"], told["fetch_job_polling_interval"]) == ([QUEUE], 5, POLLING_SECONDS)
    assert (told["shutdown_graceful_timeout"], told["install_signal_handlers"]) == (0.0, False)
    assert told["delete_jobs"] is DeleteJobCondition.ALWAYS


def test_a_defect_of_what_tidies_up_is_told(loop: TurnLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def worker(_application: App, **_options: Any) -> None:
        await asyncio.sleep(2 * queue._DEAD)

    monkeypatch.setattr(App, "run_worker_async", worker)
    made = a_queue(Delivered())
    application = application_of(made)
    monkeypatch.setattr(application, "job_manager", Jobs(loop, ValueError("a defect")))
    with capture_logs() as logs:
        loop.begin(made._receive_from(application))
        for _ in range(3):
            loop.turn(8)
            loop.now += queue._DEAD

    assert [line["event"] for line in logs] == ["task failed that nobody waited for"]


def test_it_is_tidied_up_now_and_then_through_outages(loop: TurnLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    application = application_of(a_queue(Delivered()))
    jobs = Jobs(loop, ConnectorException())
    monkeypatch.setattr(application, "job_manager", jobs)
    loop.begin(queue._tidy(application))
    for _ in range(3):
        loop.turn(8)
        loop.now += queue._DEAD
    loop.turn(8)

    assert jobs.looked == [queue._DEAD, 2 * queue._DEAD, 3 * queue._DEAD]
    assert jobs.pruned == jobs.looked[1:]


async def test_its_connections_are_set_up_and_none_is_opened_before_it_is_asked_for(
    database_urls: DatabaseUrls,
) -> None:
    pool = a_queue(Delivered(), database_urls.worker)._pool()
    closed = pool.closed

    async with pool, pool.connection() as connection:
        shown = await connection.execute(
            "SELECT current_setting('application_name'), current_setting('statement_timeout'),"
            " current_setting('synchronous_commit'), current_setting('search_path')"
        )
        settings = await shown.fetchone()

    assert closed
    assert settings == ("automation-executions queue", "10s", "off", "procrastinate")
    assert connection.autocommit


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


async def test_jobs_that_a_dead_worker_had_are_deleted_with_it_and_those_of_the_living_stay(
    scene: Scene, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule, rounds = await scene.rule(a_wait(1)), [0, 0]

    async def in_rounds(_seconds: float) -> None:
        rounds.pop()  # the last one fails, which ends it

    for _ in range(6):
        await scene.execute(rule)
    made = a_queue(Delivered(), database_urls.worker)
    async with made._pool() as pool, (application := application_of(made)).open_async(pool):
        manager = application.job_manager
        dead, living = [await manager.register_worker() for _ in range(2)]
        for worker in (dead, living):
            assert await manager.fetch_job([QUEUE], worker)
            cast("PatientManager", manager)._fetched.clear()
        _beat_last_an_hour_ago(database_urls, dead)
        monkeypatch.setattr(queue, "asyncio", SimpleNamespace(sleep=in_rounds))
        with pytest.raises(IndexError):
            await queue._tidy(application)

    assert _jobs_by_worker(database_urls) == {living: 3}
    assert _workers(database_urls) == {living}


def _beat_last_an_hour_ago(urls: DatabaseUrls, worker: int) -> None:
    statement = (
        "UPDATE procrastinate.procrastinate_workers SET last_heartbeat = now() - interval '1 hour' WHERE id = %s"
    )
    with psycopg.connect(urls.admin) as admin:
        admin.execute(statement, (worker,))


def _jobs_by_worker(urls: DatabaseUrls) -> dict[int | None, int]:
    with psycopg.connect(urls.admin) as admin:
        counts = admin.execute("SELECT worker_id, count(*) FROM procrastinate.procrastinate_jobs GROUP BY worker_id")
        return dict(counts.fetchall())


def _workers(urls: DatabaseUrls) -> set[int]:
    with psycopg.connect(urls.admin) as admin:
        return {row[0] for row in admin.execute("SELECT id FROM procrastinate.procrastinate_workers").fetchall()}
