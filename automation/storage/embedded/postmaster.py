"""The running server: found, started, and stopped again.

Whether it runs is asked of its socket, never concluded from a process id: ids are recycled, and a file with one
survives a crash. PostgreSQL's own interlock (shared memory still in use) protects the data from a second server.
"""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import psycopg

from automation.storage.embedded import sockets
from automation.storage.embedded.cluster import Cluster
from automation.storage.embedded.deferral import deferred_signals
from automation.storage.embedded.failure import EmbeddedServerError, excerpt
from automation.storage.embedded.urls import PORT, urls_at

START_TIMEOUT = 30.0
STOP_TIMEOUT = 30
ABORT_TIMEOUT = 5.0
INTERVAL = 0.02
GRACE = 1.0
"""Seconds that a process named in ``postmaster.pid`` gets to open its socket before it is taken for somebody else."""

_LIMIT = "-c statement_timeout=30s"
_ORPHANS = "pre-existing shared memory block"


class Postmaster:
    """PostgreSQL's main process for one cluster.

    Args:
        cluster: Whose server it is.
        directory: Where its socket is.
        fast: Trade durability for speed; for tests.
    """

    def __init__(self, cluster: Cluster, directory: Path, *, fast: bool) -> None:
        self._cluster = cluster
        self.directory = directory
        self._fast = fast
        self._url = urls_at(directory).admin
        self._process: subprocess.Popen[bytes] | None = None
        self._logged = 0

    def identifier(self) -> int | None:
        """Return the process id, or None when the server isn't running."""
        return self._recorded() if self.listens() else None

    @property
    def launched(self) -> bool:
        """Whether this object started the server that runs, and didn't find it running."""
        return self._process is not None

    def listens(self) -> bool:
        """Say whether a server listens on the socket, ready or not."""
        return sockets.listens(self.directory)

    def connect(self) -> psycopg.Connection:
        """Return a superuser's connection, after starting the server unless it runs.

        Raises:
            EmbeddedServerError: The server ended while starting, or doesn't answer after 30 s.
        """
        if not self.listens():
            self._abort()
        self._await_recorded()
        try:
            return self._connect(time.monotonic() + START_TIMEOUT)
        except BaseException:
            # Also on Ctrl-C: a half-started server would have no owner.
            self._abort()
            raise

    def stop(self) -> None:
        """Stop the server, if it runs: clients are disconnected, everything committed is kept.

        Raises:
            EmbeddedServerError: It doesn't end, even when told to end at once.
        """
        recorded = self._recorded()
        if self.listens() and (self._control("fast") == 0 or self._control("immediate") == 0):
            self._process = None
            _await_end(recorded)
        # One whose files were deleted under it can't be told through them.
        self._abort()
        if self.listens():
            raise self._error(f"PostgreSQL (process {recorded}) doesn't stop.")

    def _connect(self, deadline: float) -> psycopg.Connection:
        refusal = ""
        earlier = self._process  # it may have been killed since, and children that are about to end still listen
        while time.monotonic() < deadline:
            if self.listens():
                try:
                    return psycopg.connect(self._url, autocommit=True, connect_timeout=5, options=_LIMIT)
                except psycopg.OperationalError as error:
                    # While it starts or ends; asked again until the time is up.
                    refusal = str(error)
            elif self._process is None:
                self._launch()
            elif self._process.poll() is not None:
                if self._process is earlier:
                    self._launch()
                else:
                    self._judge()
            time.sleep(INTERVAL)
        raise self._error(f"PostgreSQL didn't answer within {START_TIMEOUT:.0f} s. {excerpt(refusal or self._said())}.")

    def _launch(self) -> None:
        log = os.open(self._cluster.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._logged = os.fstat(log).st_size
            with deferred_signals():
                process = self._cluster.programs.account.launch(self._command(), output=log, extra=self._permission())
                self._process = process
        finally:
            os.close(log)
        # The server may outlive this object, or end while this process goes on: somebody has to wait for it.
        threading.Thread(target=process.wait, name="embedded-postgresql", daemon=True).start()

    def _command(self) -> list[str | Path]:
        settings = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.directory),
            "unix_socket_permissions": "0700",
            # Several servers and workers with a pool each, and the tests, share one embedded server.
            "max_connections": "200",
        }
        if self._fast:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._cluster.programs.postgres, "-D", self._cluster.data, *options]

    def _permission(self) -> dict[str, str]:
        """Tell PostgreSQL that the process named in a left-over ``postmaster.pid`` isn't another server.

        PostgreSQL takes any living process of the same user for one, the innocent owner of a recycled id as well, but
        never its own grandparent, whose id it reads from this variable (``CreateLockFile`` in its miscinit.c). It
        still refuses to start when the shared memory named in that file is in use.
        """
        recorded = self._recorded()
        return {} if recorded is None else {"PG_GRANDPARENT_PID": str(recorded)}

    def _judge(self) -> None:
        """Let another try follow where children of a killed server are about to end; raise for every other reason."""
        if _ORPHANS not in self._said():
            raise self._error(f"PostgreSQL ended while starting: {excerpt(self._said())}.")
        time.sleep(0.2)
        self._process = None

    def _said(self) -> str:
        return self._cluster.log.read_bytes()[self._logged :].decode(errors="replace")

    def _abort(self) -> None:
        """End the server that this object started, if it hasn't ended, and without regard to its clients."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(ABORT_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()

    def _await_recorded(self) -> None:
        """Give a server that a killed process has just started the time to open its socket."""
        deadline = time.monotonic() + GRACE
        recorded = self._recorded()
        while recorded is not None and _lives(recorded) and not self.listens() and time.monotonic() < deadline:
            time.sleep(INTERVAL)

    def _control(self, mode: str) -> int:
        tools = self._cluster.programs
        command = (tools.pg_ctl, "stop", "-D", self._cluster.data, "-m", mode, "-w", "-t", str(STOP_TIMEOUT))
        return tools.account.run(command, timeout=STOP_TIMEOUT + 5).returncode

    def _recorded(self) -> int | None:
        try:
            return int((self._cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def _error(self, reason: str) -> EmbeddedServerError:
        return EmbeddedServerError(reason, log=self._cluster.log)


def _lives(identifier: int) -> bool:
    try:
        os.kill(identifier, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _await_end(identifier: int | None) -> None:
    # pg_ctl returns when the server has cleaned up, a moment before the process is gone.
    deadline = time.monotonic() + GRACE
    while identifier is not None and _lives(identifier) and time.monotonic() < deadline:
        time.sleep(0.005)
