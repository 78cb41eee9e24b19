"""A worker process that is stopped between a call's beginning and its sending sends nothing when it wakes too late."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psutil
import psycopg
import pytest

from tests.databases import DatabaseUrls
from tests.engine.scenes import Scene, a_call, scene_in
from tests.engine.workers import a_worker, eventually, worker_settings
from tests.system.processes import frozen

pytestmark = pytest.mark.process

LEASE = 3
CERTAIN = LEASE * 2 / 3


@pytest.fixture
async def scene(database_urls: DatabaseUrls) -> AsyncIterator[Scene]:
    async with scene_in(database_urls) as made:
        yield made


@contextmanager
def engaged() -> Iterator[socket.socket]:
    """Listen, with a queue that is full: whoever comes is connected by the kernel once there is room."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        yield listener


async def test_it_sends_nothing_for_an_execution_that_has_ended_meanwhile(
    database_urls: DatabaseUrls, scene: Scene
) -> None:
    settings = worker_settings(database_urls) | {"AUTOMATION_LEASE": str(LEASE)}
    with a_worker(settings) as worker, engaged() as listener:
        host, port = listener.getsockname()
        execution = await scene.execute(await scene.rule(a_call(f"http://{host}:{port}", timeout=60)))
        await eventually(lambda: _dials(worker.popen.pid, port))
        with frozen(worker.popen.pid):
            stopped = time.monotonic()
            _expire(database_urls)
            _, at_once = await scene.executions.cancel(scene.tenant, execution)
            sent = await asyncio.to_thread(_second, listener)
            # The claim has to run out by the worker's own clock, which nobody else can move.
            await asyncio.sleep(max(0.0, stopped + CERTAIN - time.monotonic()))
        with sent:
            received = await asyncio.to_thread(sent.recv, 1)
        await eventually(lambda: [line for line in worker.log_lines() if line["event"] == "run lost"] != [])

    assert at_once
    assert received == b""


def _dials(pid: int, port: int) -> bool:
    """Return whether a process waits for a connection to a port: its call has begun, and is not sent."""
    return any(
        connection.raddr and connection.raddr.port == port and connection.status == psutil.CONN_SYN_SENT
        for connection in psutil.Process(pid).net_connections("tcp")
    )


def _second(listener: socket.socket) -> socket.socket:
    """Make room in the queue, and return the connection that comes next."""
    listener.settimeout(30)
    listener.accept()[0].close()
    connection, _ = listener.accept()
    connection.settimeout(30)
    return connection


def _expire(urls: DatabaseUrls) -> None:
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("UPDATE automation_executions SET lease_until = now() - interval '1 second'")
