"""Session of the demo: from an empty directory to the greeting, and to its end in order."""

import fcntl
import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from automation.demo import log
from automation.demo.interruption import Interruption
from automation.demo.refusal import DemonstrationRefused
from automation.demo.screen import Screen
from automation.service import databases, logs, secret_keys
from automation.service.http.listener import listen
from automation.service.settings import Settings

_LAST_PORT = 65535
_LOCK = "demo.running"
_MAIL_RECEIVER = "aiosmtpd"

_log = structlog.get_logger()


class Session:
    """One run of the demo.

    Args:
        settings: Those of the service.
        interruption: Has taken the signals over.
        verbose: Whether the log is shown on standard error, too.
        as_document: Takes the greeting as one document, in place of the lines for people.
    """

    def __init__(
        self,
        settings: Settings,
        interruption: Interruption,
        *,
        verbose: bool = False,
        as_document: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._verbose = verbose
        self._as_document = as_document
        self._interruption = interruption
        self._screen = Screen(moving=not verbose)
        self._held: int | None = None
        self.log = settings.data_dir / log.FILE_NAME

    def prepare(self) -> None:
        """Refuse what is bound to fail, before anything is created.

        Raises:
            AddressUnavailable: The port is taken.
            DemonstrationRefused: The demo's own packages are missing, there is no place for its files, or another demo
                uses it.
        """
        if importlib.util.find_spec(_MAIL_RECEIVER) is None:
            raise DemonstrationRefused(
                f"The demo's mail receiver needs the package {_MAIL_RECEIVER}: in a checkout `make run` installs it, "
                "elsewhere install automation-executions[demo]."
            )
        directory = self._settings.data_dir
        if (directory / _LOCK).exists():
            self._hold(directory)  # a demo of this directory is most likely what has the port
        listen(self._settings.host, self._settings.port).close()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(log.open_log(self.log))
        except OSError as error:
            raise DemonstrationRefused(
                f"The demo can't write to {directory.absolute()} ({error.strerror}): name another directory with "
                "AUTOMATION_DATA_DIR."
            ) from error
        if self._held is None:
            self._hold(directory)

    def _hold(self, directory: Path) -> None:
        """Keep other demos from the data directory until this process ends: they would overwrite demo.json."""
        self._held = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemonstrationRefused(
                f"A demo of {directory.absolute()} runs already; use it, stop it, or name another directory with "
                "AUTOMATION_DATA_DIR."
            ) from None

    def perform(self) -> int:
        """Serve until SIGTERM or Ctrl-C, and return the exit code.

        Raises:
            DatabaseNotNamed: The settings contradict each other.
            DemonstrationRefused: A tenant of the operator's own has the name of one of the demo's.
            SampleRunFailed: A sample run doesn't get where it should.
            and what the embedded server, migrations and the server raise.
        """
        with log.logging_to(self.log, shown=self._verbose) as stream, self._screen:
            logs.configure(self._settings.log_format, self._settings.log_level)
            try:
                return self._serve(stream)
            except Exception:
                _log.exception("the demo broke off")
                raise

    def _serve(self, stream: TextIO) -> int:
        self._begin(self._first_step())
        with (
            databases.for_process(secret_keys.provided(self._settings, anyhow=True), databases.SERVICE) as served,
            databases.for_administration(served) as owner,
            databases.for_process(served, databases.WORKER) as settings,
        ):
            self._begin("Migrating the database")
            databases.bring_up_to_date(owner)
            self._begin("Writing tenants, keys and rules")
            from automation.demo.announcement import Announcement  # noqa: PLC0415 - the database doesn't wait for these
            from automation.demo.companion import worker_beside  # noqa: PLC0415
            from automation.demo.demonstration import prepare  # noqa: PLC0415
            from automation.demo.receivers import receiving  # noqa: PLC0415
            from automation.service.server import serve  # noqa: PLC0415

            with receiving(*_neighbours(settings.port)) as receivers:
                demonstration = prepare(settings, owner, receivers.http_url)
                self._begin("Starting the service and a worker")
                worker = settings.model_copy(update=receivers.settings(settings.egress_allow))
                with worker_beside(worker, stream) as stop_worker:
                    announcement = Announcement(
                        settings,
                        demonstration,
                        screen=self._screen,
                        interruption=self._interruption,
                        beside=stop_worker,
                        log=self.log,
                        as_document=self._as_document,
                    )
                    with announcement:
                        return serve(settings, on_ready=announcement, on_published=announcement.publish)

    def _begin(self, step: str) -> None:
        self._interruption.heed()
        self._screen.begin(step)

    def _first_step(self) -> str:
        if not self._settings.embedded:
            return "Finding the database"
        return "Starting the database" if (self._settings.data_dir / "postgres").exists() else "Creating the database"


def _neighbours(port: int) -> tuple[int, int]:
    """Return the ports for the receivers, next to the server's own; free ones beside a free one."""
    return (port + 1, port + 2) if 0 < port < _LAST_PORT - 2 else (0, 0)
