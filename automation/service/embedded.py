"""Uses the embedded server for a command: says what it does beside serving, and what becomes of it meanwhile."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import structlog

from automation.service import side_log
from automation.service.settings import Settings, variable
from automation.storage.embedded import EmbeddedServer, EmbeddedServerError, EmbeddedUrls, Supervision
from automation.storage.former import FormerDatabase

_log = structlog.get_logger()


def is_made(settings: Settings) -> bool:
    """Say whether the settings' data directory has a database."""
    return EmbeddedServer(settings.data_dir, user=settings.embedded_user).is_there()


@contextmanager
def in_use(settings: Settings, *, supervised: bool) -> Iterator[EmbeddedUrls]:
    """Use the server of the settings' data directory for the length of the block.

    Args:
        settings: What the operator set.
        supervised: Start it again whenever it ends; for what runs for long.

    Raises:
        EmbeddedServerError: It can't be had, or can't be had any more.
        FormerDatabase: What the block found there was made by an earlier version; with the files to remove.
    """
    server = EmbeddedServer(settings.data_dir, user=settings.embedded_user, report=_say)
    if not server.is_there():
        # In another directory than the one that was meant, everything would look lost.
        elsewhere = f"{variable('data_dir')} names another place"
        _tell("info", f"making an empty database in {settings.data_dir.absolute()} ({elsewhere})")
    with server as urls, _kept_running(server) if supervised else nullcontext():
        try:
            yield urls
        except FormerDatabase as error:
            files = " and ".join(str(path) for path in server.files())
            raise FormerDatabase(error.revision, f"remove {files}, and start again with an empty one") from error


@contextmanager
def _kept_running(server: EmbeddedServer) -> Iterator[None]:
    """Have the server started again whenever it ends; where that fails, this process ends, with the reason.

    Raises:
        EmbeddedServerError: It can't be had any more.
    """
    witness = _Witness()
    try:
        with Supervision(server, witness):
            yield
    finally:
        if witness.error is not None:
            raise witness.error


class _Witness:
    """Says once what happened to the embedded server, and ends the process that can't go on without it."""

    def __init__(self) -> None:
        self.error: EmbeddedServerError | None = None

    def ended(self, process: int | None) -> None:
        _tell("error", "the embedded PostgreSQL ended: starting it again", process=process)

    def resumed(self, process: int | None, seconds: float) -> None:
        _tell("info", "the embedded PostgreSQL runs again", process=process, seconds=round(seconds, 3))

    def lost(self, error: EmbeddedServerError) -> None:
        self.error = EmbeddedServerError(f"The embedded PostgreSQL ended and can't be started again: {error}")
        os.kill(os.getpid(), signal.SIGTERM)


def _tell(level: str, event: str, **values: object) -> None:
    """Write a log line, or a line for people where the log isn't set up yet."""
    if structlog.is_configured():
        side_log.say(_log, level, event, **values)
    else:
        _say(event)


def _say(line: str) -> None:
    sys.stderr.write(f"automation: {line}\n")
    sys.stderr.flush()
