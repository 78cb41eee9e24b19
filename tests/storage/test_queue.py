"""Procrastinate's own worker finds the jobs that are written here, under the roles that production has."""

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import procrastinate
import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.schema import SchemaManager

from automation.storage import jobs, migrations
from automation.storage.pool.database import Database
from automation.storage.pool.transaction import Transaction
from tests.databases import DatabaseUrls
from tests.storage.runner import Runner
from tests.storage.samples import Sample

SEARCH_PATH = "-c search_path=procrastinate,public"
DEFER = b"SELECT defer_execution_v1(%(tenant)s, %(execution)s, %(attempt)s, 0, 0)"


async def defer_execution(transaction: Transaction, tenant: UUID, execution_id: UUID, attempt: int) -> None:
    await transaction.execute(DEFER, {"tenant": tenant, "execution": execution_id, "attempt": attempt})


def application(url: str) -> App:
    return App(connector=PsycopgConnector(conninfo=url, kwargs={"options": SEARCH_PATH}))


async def test_procrastinates_worker_is_given_what_the_api_deferred(
    runner: Runner, database_urls: DatabaseUrls
) -> None:
    runner.take_jobs()
    execution = await runner.execute()
    given: list[dict[str, Any]] = []
    app = application(database_urls.worker)

    @app.task(name=jobs.TASK, queue=jobs.QUEUE)
    async def run_execution(**arguments: Any) -> None:
        given.append(arguments)

    async with app.open_async():
        await app.run_worker_async(queues=[jobs.QUEUE], wait=False, delete_jobs="always", install_signal_handlers=False)

    assert [(job["tenant"], job["execution_id"], job["attempt"]) for job in given] == [
        (str(runner.tenant), str(execution), 1)
    ]
    assert runner.jobs() == []


async def test_a_worker_that_waits_is_notified(runner: Runner, database_urls: DatabaseUrls) -> None:
    runner.take_jobs()
    given = asyncio.Event()
    app = application(database_urls.worker)

    @app.task(name=jobs.TASK, queue=jobs.QUEUE)
    async def run_execution(**_: Any) -> None:
        given.set()

    async with app.open_async():
        worker = asyncio.create_task(
            app.run_worker_async(fetch_job_polling_interval=60, listen_notify=True, install_signal_handlers=False)
        )
        await asyncio.sleep(0.5)
        await runner.execute()
        await asyncio.wait_for(given.wait(), 5)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_procrastinate_can_do_as_a_worker_whatever_its_worker_does(
    runner: Runner, database_urls: DatabaseUrls
) -> None:
    app = application(database_urls.worker)

    @app.task(name="other")
    async def other() -> None:
        raise AssertionError("no worker runs it")

    async with app.open_async():
        manager = app.job_manager
        worker = await manager.register_worker()
        await manager.update_heartbeat(worker)
        job = await other.configure(queue="other", schedule_in={"hours": 1}).defer_async()
        assert await app.check_connection_async()
        assert await manager.get_stalled_jobs(seconds_since_heartbeat=60) == []
        assert await manager.cancel_job_by_id_async(job, delete_job=True)
        await manager.unregister_worker(worker)
        await manager.prune_stalled_workers(3600)


async def test_a_job_is_there_when_the_transaction_commits_and_not_before(
    ours: Sample, runner: Runner, database: Database
) -> None:
    execution = ours.execution.execution_id
    runner.take_jobs()

    async def deferred(*, broken: bool) -> None:
        async with database.transaction(ours.tenant) as transaction:
            await defer_execution(transaction, ours.tenant, execution, 1)
            assert runner.jobs() == []
            if broken:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await deferred(broken=True)
    assert runner.jobs() == []
    await deferred(broken=False)
    assert len(runner.jobs(execution)) == 1


async def test_an_attempt_has_one_job_in_the_queue_at_most(ours: Sample, runner: Runner, database: Database) -> None:
    execution = ours.execution.execution_id
    runner.take_jobs()

    async def deferred(attempt: int) -> None:
        async with database.transaction(ours.tenant) as transaction:
            await defer_execution(transaction, ours.tenant, execution, attempt)

    await asyncio.gather(*(deferred(attempt) for attempt in (1, 1, 1, 2)))

    assert sorted(job["attempt"] for job in runner.jobs(execution)) == [1, 2]


async def test_nobody_defers_for_another_tenant(ours: Sample, theirs: Sample, database: Database) -> None:
    async def deferred() -> None:
        async with database.transaction(ours.tenant) as transaction:
            await defer_execution(transaction, theirs.tenant, theirs.execution.execution_id, 1)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await deferred()


@pytest.mark.parametrize("table", ["jobs", "events", "workers", "periodic_defers"])
def test_the_api_has_no_way_to_the_queue_but_the_function(database_urls: DatabaseUrls, table: str) -> None:
    with psycopg.connect(database_urls.api) as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(f"SELECT FROM procrastinate.procrastinate_{table}")


def test_only_workers_sweep(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.api) as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute("SELECT FROM sweep_due_executions_v1(1)")


def test_every_function_of_the_queue_finds_its_tables_by_itself(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        paths = admin.execute(
            "SELECT DISTINCT proconfig::text FROM pg_proc WHERE pronamespace = 'procrastinate'::regnamespace"
        ).fetchall()
    with psycopg.connect(database_urls.worker) as worker:
        worker.execute("SET search_path = pg_catalog")
        registered = worker.execute("SELECT procrastinate.procrastinate_register_worker_v1()").fetchone()

    assert paths == [('{"search_path=pg_catalog, procrastinate, pg_temp"}',)]
    assert registered is not None


def test_the_frozen_schema_is_that_of_the_installed_release() -> None:
    frozen = (Path(next(iter(migrations.__path__))) / "procrastinate_3_10.sql").read_text()

    assert re.match(r"3\.10\.", procrastinate.__version__)
    assert frozen == SchemaManager.get_schema()
