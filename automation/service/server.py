"""Runs the application on uvicorn: refuses to start on anything wrong, and stops in order."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import NoReturn

import structlog
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from automation.contract.compiled.cursors import passing_keys
from automation.contract.document.published import Published
from automation.domain.errors import Unavailable
from automation.service import logs, process_memory
from automation.service.application import create, load_document, open_database
from automation.service.http.family import Family
from automation.service.http.hosts import Hosts
from automation.service.http.listener import listen
from automation.service.http.protocol import Protocol
from automation.service.http.watched_server import WatchedServer
from automation.service.lifecycle import Lifecycle
from automation.service.refusal import StartFailure
from automation.service.resources import load_actions
from automation.service.settings import Settings, variable
from automation.storage.accounts import owner
from automation.storage.former import FormerDatabase
from automation.storage.pool import outage
from automation.storage.pool.membership import Group, require_member
from automation.storage.pool.privileges import UnfitRole
from automation.storage.readiness import Readiness
from automation.storage.session import UnusableEncoding

FACTORY = "automation.service.application:create_from_environment"

_log = structlog.get_logger()


def serve(
    settings: Settings,
    *,
    workers: int = 1,
    on_ready: Callable[[str], None] | None = None,
    on_published: Callable[[Published], None] | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; requests in flight get ``shutdown_timeout`` seconds to finish.

    Args:
        settings: ``database_url`` must be a URL by now.
        workers: How many processes answer requests.
        on_ready: Called once with the base URL when a single process is listening.
        on_published: Called once with the contract that a single process publishes, before it is listening.

    Returns:
        The exit code: 0 after an orderly stop.

    Raises:
        ContractError: the contract, a handler, a permission or a security function is not right.
        BrokenActions: an installed action can't be used.
        StartFailure: the database or its role can't be used.
        AddressUnavailable: nothing can listen on the address.
    """
    logs.configure(settings.log_format, settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    actions = load_actions(settings)
    document = load_document(actions)
    with logs.silenced("psycopg.pool", outage.LOGGER):
        asyncio.run(_verify_database(settings))
    settings = _with_cursor_keys(settings)
    listener = listen(settings.host, settings.port)
    base_url = _base_url(settings.host, listener) + settings.path_prefix
    lifecycle = Lifecycle("service", settings, base_url=base_url, processes=workers)
    if workers == 1:
        app = create(settings, actions, document, on_published=on_published)
        return _serve_alone(settings, app, listener, lifecycle, lambda: on_ready(base_url) if on_ready else None)
    return _serve_with_workers(settings, partial(create, settings, actions, document), listener, lifecycle, workers)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Exit in order on a signal that comes before uvicorn installs its handlers or after it restored ours."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


async def _verify_database(settings: Settings) -> None:
    database = open_database(settings)
    await database.open()
    try:
        await database.require_safe_role()
        await require_member(database, Group.API)
        await Readiness(database).expect_upgradable()
    except Unavailable as error:
        reason = owner.complaint(_secret(settings)) or error.detail
        raise StartFailure(f"{variable('database_url')}: {reason}") from error
    except (UnfitRole, UnusableEncoding, FormerDatabase) as error:
        raise StartFailure(f"{variable('database_url')}: {error}") from error
    finally:
        await database.close()


def _with_cursor_keys(settings: Settings) -> Settings:
    if settings.cursor_keys is not None:
        return settings
    _log.info("cursors end with this process", setting=variable("cursor_keys"))
    return settings.model_copy(update={"cursor_keys": SecretStr(passing_keys())})


def _secret(settings: Settings) -> str:
    return settings.database_url.get_secret_value() if settings.database_url else ""


def _base_url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def _configure(settings: Settings, app: object, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an application, or what makes it in one of several processes
        factory=workers > 1,
        workers=workers,
        http=partial(  # type: ignore[arg-type]  # called like a class
            Protocol, hosts=Hosts(settings.hosts), prefix=settings.path_prefix
        ),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        headers=[("X-Content-Type-Options", "nosniff")],  # on every answer, whichever layer it comes from
        proxy_headers=False,
        timeout_keep_alive=settings.idle_timeout,
        timeout_graceful_shutdown=settings.shutdown_timeout,
    )


def _serve_alone(
    settings: Settings, app: ASGIApp, listener: socket.socket, lifecycle: Lifecycle, on_ready: Callable[[], None]
) -> int:
    def say_ready() -> None:
        on_ready()
        lifecycle.started()

    server = WatchedServer(
        _configure(settings, app, 1),
        settings.watchdog,
        settings.connection_bounds,
        drain_seconds=settings.drain_seconds,
        on_ready=say_ready,
        on_well=lifecycle.alive,
        on_stop=lifecycle.stopping,
    )
    try:
        server.run(sockets=[listener])
    finally:  # it ends with the signal that it was stopped by
        if server.started:
            lifecycle.stopped()
    return 0 if server.started else STARTUP_FAILURE


def _serve_with_workers(
    settings: Settings, make: Callable[[], ASGIApp], listener: socket.socket, lifecycle: Lifecycle, workers: int
) -> int:
    for name in ("database_url", "cursor_keys", "secret_keys"):
        secret: SecretStr | None = getattr(settings, name)
        if secret is not None:
            os.environ[variable(name)] = secret.get_secret_value()
    forked = _configure(settings, make, workers)
    forked.get_loop_factory()  # loads the event loop's module, so that no child needs to
    family = Family(
        _configure(settings, FACTORY, workers),
        [listener],
        limits=settings.watchdog,
        bounds=settings.connection_bounds,
        drain_seconds=settings.drain_seconds,
        lifecycle=lifecycle,
        forked=forked,
    )
    process_memory.begin()
    family.run()
    return STARTUP_FAILURE if family.failed else 0
