"""The worker that runs beside the demo's server: a process of its own, which never outlives the one that started it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from automation.service.settings import Settings, variable

_COMMAND = (sys.executable, "-c", "from automation.commands import main; main()", "worker")
_DRAIN_SECONDS = 3
_STOP_SECONDS = 30.0

_log = structlog.get_logger()


@contextmanager
def worker_beside(settings: Settings) -> Iterator[None]:
    """Run ``automation worker`` for the length of the block, on the same database.

    It stops when its standard input ends: at the end of the block, and also when this process is killed.

    Args:
        settings: ``worker_url`` must be a URL by now.
    """
    command = [*_COMMAND, "--until-stdin-closes"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=_environment(settings)
    ) as process:
        leaving = threading.Event()
        threading.Thread(target=_watch, args=(process, leaving), daemon=True).start()
        try:
            yield
        finally:
            leaving.set()
            _stop(process)


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
    if settings.smtp_host is not None:
        chosen |= {name: str(getattr(settings, name)) for name in ("smtp_host", "smtp_port", "smtp_tls", "smtp_sender")}
    if "drain_timeout" not in settings.model_fields_set:
        chosen["drain_timeout"] = str(_DRAIN_SECONDS)
    return inherited | {variable(name): str(value) for name, value in chosen.items()}


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _watch(process: "subprocess.Popen[bytes]", leaving: threading.Event) -> None:
    code = process.wait()
    if not leaving.is_set():
        _log.error("the demo's worker ended: rules do not run any more", exit_code=code)
