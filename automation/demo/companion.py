"""The worker that runs beside the demo's server: a process of its own, which never outlives the one that started it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TextIO

import structlog

from automation.service.settings import Settings, variable
from automation.storage.embedded.deferral import deferred_signals

_COMMAND = (sys.executable, "-c", "from automation.commands import main; main()", "worker")
_DRAIN_SECONDS = 3
_STOP_SECONDS = 30.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 60.0

_log = structlog.get_logger()


@contextmanager
def worker_beside(settings: Settings, log: TextIO) -> Iterator[Callable[[], None]]:
    """Run ``automation worker`` for the length of the block, on the same database, out of reach of Ctrl-C.

    It stops when its standard input ends: at the end of the block, and also when this process is killed. What is given
    has it begin to, and waits for nothing.

    Args:
        settings: ``worker_url`` must be a URL by now.
        log: The file to which it writes its log.
    """
    with ExitStack() as stack:
        with deferred_signals():
            companion = _Companion(_environment(settings), log)
            stack.callback(companion.stop)
        yield companion.begin_to_stop


class _Companion:
    """The worker's process, followed by another one whenever it ends before its time."""

    def __init__(self, environment: Mapping[str, str], log: TextIO) -> None:
        self._environment = environment
        self._log = log
        self._leaving = threading.Event()
        self._turn = threading.RLock()  # nothing is started while it is decided that nothing is any more
        self._process = self._start()
        self._thread = threading.Thread(target=self._follow, name="demo-worker", daemon=True)
        self._thread.start()

    def begin_to_stop(self) -> None:
        """Have the worker stop in order, and start no other; may be called by a signal's handler."""
        with self._turn:
            self._leaving.set()
            _close(self._process)

    def stop(self) -> None:
        """Stop the worker in order, and start no other."""
        self.begin_to_stop()
        _stop(self._process)
        self._thread.join()

    def _start(self) -> "subprocess.Popen[bytes]":
        # In a group of its own: the terminal's Ctrl-C is for the demo, which then has its worker stop in order.
        return subprocess.Popen(
            [*_COMMAND, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            env=self._environment,
            process_group=0,
        )

    def _follow(self) -> None:
        tries = 0
        while not self._leaving.is_set():
            began = time.monotonic()
            code = self._process.wait()
            if time.monotonic() - began > _STEADY_SECONDS:
                tries = 0
            if tries == 0 and not self._leaving.is_set():
                _log.error("the demo's worker ended: starting it again", exit_code=code)
            self._leaving.wait(min(_FIRST_PAUSE * 2**tries, _LONGEST_PAUSE))
            tries += 1
            self._follow_up()

    def _follow_up(self) -> None:
        with self._turn:
            if not self._leaving.is_set():
                _close(self._process)
                self._process = self._start()


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return this process's environment with what the demo has chosen, and no other database."""
    if settings.worker_url is None:
        raise ValueError("the settings name no database for workers")
    without = (variable("database_url"), variable("migration_url"))
    inherited = {name: value for name, value in os.environ.items() if name not in without}
    chosen = {
        "worker_url": settings.worker_url.get_secret_value(),
        "log_format": settings.log_format,
        "egress_allow": settings.egress_allow,
    }
    if settings.secret_keys is not None:
        chosen["secret_keys"] = settings.secret_keys.get_secret_value()
    if settings.smtp_host is not None:
        chosen |= {name: str(getattr(settings, name)) for name in ("smtp_host", "smtp_port", "smtp_tls", "smtp_sender")}
    if "drain_timeout" not in settings.model_fields_set:
        chosen["drain_timeout"] = str(_DRAIN_SECONDS)
    return inherited | {variable(name): str(value) for name, value in chosen.items()}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    _close(process)
    process.terminate()  # its imports don't look at standard input yet
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _close(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
