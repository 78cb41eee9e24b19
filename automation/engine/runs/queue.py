"""Delivers the ids of executions through Procrastinate, which is known here and in ``patient_manager`` alone.

A job is nothing but a message that an execution may have something to do. It may come twice, late or not at all: who
runs an execution is decided by the claim on its row, and what was not delivered is found by the sweeper. So jobs are
never retried, and deleted when they are done.

Procrastinate's worker ends when the database goes away. Then another one is started here, in the same process, and the
runs that are going on notice nothing of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Status
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from automation.engine.runs.patient_manager import AWAY, PatientManager, Room
from automation.engine.runs.tasks import leave
from automation.storage import session
from automation.storage.jobs import QUEUE, TASK
from automation.storage.runs import Turn

_log = structlog.get_logger()

Deliver = Callable[[Turn], Awaitable[None]]
POLLING_SECONDS = 1.0
"""How late a job is seen where NOTIFY doesn't arrive, as through a transaction pooler."""

_CONNECTIONS = 4
"""Tuned: connections that the queue has at the most."""
_HEARTBEAT, _DEAD = 10.0, 40.0
"""Tuned: seconds between two signs of life of a worker, and without one after which its jobs are deleted."""
_PAUSE = 1.0
"""Tuned: seconds of a pause while the database is away."""
_CONNECT_SECONDS = 4.0
"""Tuned: seconds that a connection is waited for."""
_ABORT_SECONDS = 60.0
"""Tuned: seconds between two looks for jobs to abort: there are none, runs are cancelled through their own rows."""
_KEPT_ALIVE = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Tuned: how soon a connection that leads nowhere is given up, in seconds, the last in milliseconds."""


class Queue:
    """Receives jobs and gives each to ``deliver``, which returns when the next one may come in its place.

    Args:
        url: The database, as the worker's role.
        deliver: Takes a tenant's turn. Cancelled when the queue stops or starts again: what shall outlast that must be
            shielded.
        room: Says for how many deliveries there is room. Where there was none and may be some again, ``stir`` has it
            asked again.
        concurrency: How many deliveries there are at the most.
    """

    def __init__(self, url: str, deliver: Deliver, room: Room, *, concurrency: int) -> None:
        self._url = url
        self._deliver = deliver
        self._room = room
        self._concurrency = concurrency
        self._manager: PatientManager | None = None

    def stir(self) -> None:
        """Look for jobs again: there may be room for one."""
        if self._manager is not None:
            self._manager.stir()

    async def receive(self) -> None:
        """Receive jobs until cancelled; outages are waited out, and told once each."""
        away = False
        while True:
            try:
                async with self._pool() as pool:
                    await pool.wait(_CONNECT_SECONDS)
                    if away:
                        _log.info("queue back")
                    away = False
                    async with self._application().open_async(pool) as application:
                        await self._receive_from(application)
            except AWAY as error:
                if not away:
                    _log.warning("queue away", error=type(error).__name__)
                away = True
            await asyncio.sleep(_PAUSE)

    async def _receive_from(self, application: App) -> None:
        tidying = asyncio.create_task(_tidy(application))
        try:
            await application.run_worker_async(
                queues=[QUEUE],
                concurrency=self._concurrency,
                fetch_job_polling_interval=POLLING_SECONDS,
                abort_job_polling_interval=_ABORT_SECONDS,
                shutdown_graceful_timeout=0.0,  # the runs go on without their jobs
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=_HEARTBEAT,
                stalled_worker_timeout=_DEAD,
            )
        finally:
            if self._manager is not None:
                await self._manager.give_back()
            leave(tidying)
            tidying.cancel()
            await asyncio.wait({tidying})

    def _application(self) -> App:
        application = App(connector=PsycopgConnector())
        application.job_manager = self._manager = PatientManager(application.connector, self._room)

        @application.task(name=TASK, queue=QUEUE)
        async def run_execution(tenant: str, execution_id: str, attempt: int, rank: int = 0, since: int = 0) -> None:
            await self._deliver(Turn(UUID(tenant), UUID(execution_id), attempt, rank, since))

        return application

    def _pool(self) -> AsyncConnectionPool:
        """Return a pool that hands connections out unchecked: a broken one has the queue start again."""
        return AsyncConnectionPool(
            self._url,
            name="queue",
            open=False,
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_CONNECT_SECONDS,
            configure=set_up,
            kwargs={
                "application_name": "automation-executions queue",
                "options": "-c statement_timeout=10000",
                **_KEPT_ALIVE,
                "prepare_threshold": None,
            },
        )


async def set_up(connection: AsyncConnection[Any]) -> None:
    """Set a connection of the queue up, so that nothing costs more than it has to.

    Everything that Procrastinate does here is one statement, so there is no BEGIN and no COMMIT; and a job is only a
    message, so nobody waits until the disk has it that one was taken or is done.
    """
    await connection.set_autocommit(True)
    await connection.execute(session.statements("procrastinate").encode())
    await connection.execute(b"SET synchronous_commit = off")


async def _tidy(application: App) -> None:
    """Delete the jobs that dead workers had taken; their executions are found by the sweeper."""
    manager = application.job_manager
    while True:
        await asyncio.sleep(_DEAD)
        with suppress(*AWAY):
            for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=_DEAD):
                if job.id is not None:
                    with suppress(ConnectorException):  # another worker was faster
                        await manager.finish_job_by_id_async(job.id, Status.ABORTED, delete_job=True)
            await manager.prune_stalled_workers(_DEAD)
