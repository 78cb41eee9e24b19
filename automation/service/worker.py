"""Runs the worker as a process: refuses to start on anything wrong, and stops in order."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from automation.domain.errors import Unavailable
from automation.engine.actions import Actions
from automation.engine.runs.worker import Worker
from automation.service import logs, process_memory
from automation.service.lifecycle import Lifecycle
from automation.service.refusal import StartFailure
from automation.service.resources import load_actions
from automation.service.secret_keys import keyring_of
from automation.service.settings import Settings, variable
from automation.service.watchdog import Watchdog
from automation.storage.due import Due
from automation.storage.former import FormerDatabase
from automation.storage.pool import outage
from automation.storage.pool.database import Database
from automation.storage.pool.membership import Group, require_member
from automation.storage.pool.pooler import PoolerBetween, require_session
from automation.storage.pool.privileges import UnfitRole
from automation.storage.readiness import Readiness
from automation.storage.retention import RetentionStore
from automation.storage.runs import Runs
from automation.storage.schedules import Schedules
from automation.storage.secrets.sealed_secrets import SealedSecrets
from automation.storage.session import UnusableEncoding

_SWITCH_SECONDS = 0.0005
"""How long the event loop waits for the interpreter where a thread computes, each time that it has waited for a socket.
Python's own is ten times as long."""


def work(
    settings: Settings,
    *,
    until: Callable[[asyncio.Event], None] | None = None,
    on_ready: Callable[[], None] | None = None,
) -> int:
    """Run executions until SIGTERM or SIGINT; actions in flight get ``drain_timeout`` seconds to end.

    Args:
        settings: ``worker_url`` must be a URL by now.
        until: Called in the event loop with what stops the worker when it is set, for other reasons to stop.
        on_ready: Called once when the worker takes executions.

    Returns:
        The exit code: 0 after an orderly stop.

    Raises:
        BrokenActions: An installed action can't be used.
        StartFailure: The database or its role can't be used.
    """
    logs.configure(settings.log_format, settings.log_level)
    actions = load_actions(settings)
    lifecycle = Lifecycle("worker", settings, concurrency=settings.concurrency, actions=actions.names)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_work(settings, actions, lifecycle, until, on_ready))
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the faster event loop where there is one, as uvicorn does for the server."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _work(
    settings: Settings,
    actions: Actions,
    lifecycle: Lifecycle,
    until: Callable[[asyncio.Event], None] | None,
    on_ready: Callable[[], None] | None,
) -> None:
    stop = asyncio.Event()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if until is not None:
        until(stop)
    if settings.worker_url is None:
        raise ValueError("the settings name no database for workers")
    url = settings.worker_url.get_secret_value()
    with logs.silenced("psycopg.pool", outage.LOGGER):
        database = await _usable_database(settings, url)
    try:
        worker = Worker(
            url,
            Runs(database, settings.limits),
            Due(database),
            RetentionStore(database),
            actions,
            concurrency=settings.concurrency,
            lease=settings.lease,
            drain_seconds=settings.drain_timeout,
            most_result_bytes=settings.max_result_bytes,
            most_lost=settings.max_lost_workers,
            retention=settings.kept,
            schedules=Schedules(database, settings.limits),
            secrets=SealedSecrets(database, keyring_of(settings)),
        )
        process_memory.begin()
        sys.setswitchinterval(_SWITCH_SECONDS)
        if on_ready is not None:
            on_ready()
        lifecycle.started()
        told = asyncio.create_task(_tell(stop, lifecycle))
        try:
            with Watchdog(settings.watchdog, on_well=lifecycle.alive):
                await worker.work(stop)
        finally:
            told.cancel()
        lifecycle.stopped()
    finally:
        await database.close()


async def _tell(stop: asyncio.Event, lifecycle: Lifecycle) -> None:
    await stop.wait()
    lifecycle.stopping()


async def _usable_database(settings: Settings, url: str) -> Database:
    """Return the database, open; where it can't be used it is closed, and the reason is all that is said."""
    database = Database(
        url,
        pool_min=settings.pool_min,
        pool_max=settings.pool_max,
        pool_timeout=settings.pool_timeout,
        query_timeout=settings.query_timeout,
        application_name=f"automation-executions worker {os.getpid()}",
        prepare=settings.prepare_statements,
    )
    await database.open()
    try:
        await _expect_usable(database, url)
    except BaseException:
        await database.close()
        raise
    return database


async def _expect_usable(database: Database, url: str) -> None:
    try:
        await database.require_safe_role()
        await require_member(database, Group.WORKER)
        readiness = Readiness(database)
        await readiness.expect_upgradable()
        await readiness.check()
        await require_session(url)
    except Unavailable as error:
        raise StartFailure(f"the database in {variable('worker_url')} cannot be used: {error.detail}") from error
    except (UnfitRole, UnusableEncoding, FormerDatabase, PoolerBetween) as error:
        raise StartFailure(f"{variable('worker_url')}: {error}") from error
