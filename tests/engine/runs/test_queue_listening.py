"""A worker hears of jobs whatever is shouted on its channel, and again after it could not listen for a while.

It never polls here: an execution that runs was heard of.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import psycopg_pool
import pytest
from psycopg import sql
from structlog.testing import capture_logs
from structlog.types import EventDict

from automation.engine.runs import queue
from tests.databases import Cluster, DatabaseUrls
from tests.engine.actions.receiver import Receiver
from tests.engine.near import NEVER, NearWorker, a_near_worker
from tests.engine.scenes import Scene, a_call, scene_in

CHANNEL = "procrastinate_queue_v1#executions"
LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND query LIKE 'LISTEN%%'"


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


@pytest.fixture
async def worker(database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NearWorker]:
    monkeypatch.setattr(queue, "POLLING_SECONDS", NEVER)
    async with a_near_worker(database_urls) as near:
        await _listeners(database_urls, 1)
        yield near


@pytest.mark.parametrize(
    "payload", ["not json", "", "[]", "null", '{"type": 7}', '{"type": "abort_job_requested"}', '"job_inserted"']
)
async def test_strange_notifications_are_dropped_and_told(
    scene: Scene, worker: NearWorker, database_urls: DatabaseUrls, receiver: Receiver, payload: str
) -> None:
    with capture_logs() as logs:
        async with await psycopg.AsyncConnection.connect(database_urls.api, autocommit=True) as anybody:
            await anybody.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        await _told(logs, "strange notification dropped")
        ended = await scene.run(a_call(receiver.url))

    assert ended["status"] == "completed"
    assert worker.complaints == []


async def test_a_listener_that_could_not_come_back_for_a_while_listens_again(
    scene: Scene, worker: NearWorker, cluster: Cluster, database_urls: DatabaseUrls, receiver: Receiver
) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(database_urls.admin)["dbname"])
    with capture_logs() as logs, cluster.admin() as admin:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND query LIKE 'LISTEN%%'",
            (name,),
        )
        await _told(logs, "queue not heard")
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
        await _listeners(database_urls, 1)
        ended = await scene.run(a_call(receiver.url))

    assert ended["status"] == "completed"
    assert worker.complaints == []


async def test_each_outage_of_the_queue_is_told_once_and_that_it_is_over(
    database_urls: DatabaseUrls, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_PAUSE", 0.05)
    monkeypatch.setattr(queue, "_CONNECT_SECONDS", 0.5)
    name = str(psycopg.conninfo.conninfo_to_dict(database_urls.admin)["dbname"])
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with capture_logs() as logs, cluster.admin() as admin:
        async with a_near_worker(database_urls):
            await _listeners(database_urls, 1)
            for outage in (1, 2):
                admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
                await _told(logs, "queue away", outage)
                admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
                await _told(logs, "queue back", outage)
                await _listeners(database_urls, 1)

    told = [line["event"] for line in logs if line["event"] in {"queue away", "queue back"}]
    assert told == ["queue away", "queue back"] * 2


async def test_that_the_queue_is_back_is_told_when_it_is_and_not_when_it_is_tried(
    database_urls: DatabaseUrls, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[EventDict] = []

    def tried(*arguments: Any, **options: Any) -> Any:
        tries.append({"event": "tried"})
        return psycopg_pool.AsyncConnectionPool(*arguments, **options)

    monkeypatch.setattr(queue, "_PAUSE", 0.05)
    monkeypatch.setattr(queue, "_CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(queue, "AsyncConnectionPool", tried)
    name = str(psycopg.conninfo.conninfo_to_dict(database_urls.admin)["dbname"])
    with capture_logs() as logs, cluster.admin() as admin:
        async with a_near_worker(database_urls):
            await _listeners(database_urls, 1)
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            await _told(tries, "tried", 4)
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
            told = [line["event"] for line in logs if line["event"] in {"queue away", "queue back"}]
            await _told(logs, "queue back")

    assert told == ["queue away"]


async def _told(logs: list[EventDict], event: str, times: int = 1) -> None:
    async with asyncio.timeout(15):
        while len([line for line in logs if line["event"] == event]) < times:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.02)


async def _listeners(urls: DatabaseUrls, count: int) -> None:
    """Wait until so many connections listen."""
    name = psycopg.conninfo.conninfo_to_dict(urls.admin)["dbname"]
    async with await psycopg.AsyncConnection.connect(urls.admin, autocommit=True) as admin, asyncio.timeout(15):
        while await (await admin.execute(LISTENERS, (name,))).fetchone() != (count,):  # noqa: ASYNC110 - of a database
            await asyncio.sleep(0.02)
