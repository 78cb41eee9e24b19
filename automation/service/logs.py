"""Configures log lines: one JSON object a line for machines, or aligned and coloured for people."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO, cast
from uuid import UUID

import orjson
import structlog
from structlog.types import EventDict, Processor

from automation.service.gathered_lines import GatheredLines
from automation.service.log_outlet import outlet
from automation.service.setting_types import LogFormat, LogLevel

_LIBRARIES = ("uvicorn", "connexion", "alembic", "asyncio", "mail", "procrastinate")
_FLOORS = {**dict.fromkeys(_LIBRARIES, logging.WARNING), "psycopg.pool": logging.ERROR}
_PLAIN = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def configure(log_format: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Send every log line of the process, libraries' included, to ``stream`` (standard error where it is None).

    Lines carry ``timestamp`` (RFC 3339, UTC), ``level``, ``event`` and what is bound to the context, such as
    ``request_id``. Whoever says one waits for nobody who should read it.
    """
    lines = GatheredLines(outlet(stream or sys.stderr))
    stream = cast("TextIO", lines)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, _format_exception, *_rendering(log_format, stream)],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=_Loggers(lines, plain=log_format is LogFormat.JSON and _number(level) <= logging.INFO),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _format_exception,
            *_rendering(log_format, stream),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_number(level))
    _quieten_libraries(level)


class _Loggers(structlog.WriteLoggerFactory):
    """Makes the loggers of the process; ``plain`` says that a line of level info is a JSON object that is written."""

    def __init__(self, lines: GatheredLines, *, plain: bool) -> None:
        super().__init__(cast("TextIO", lines))
        self.lines = lines
        self.plain = plain


def frequent(name: str) -> Callable[[str, str, dict[str, Any]], None]:
    """Return what says lines of level info that come with every request: the same lines, made and written for less.

    It is given the event, the request's id and other values, a mapping that is its own then; nothing that is bound goes
    along. Asked for once the log is configured.
    """
    loggers = structlog.get_config()["logger_factory"]
    if not isinstance(loggers, _Loggers) or not loggers.plain:
        logger = structlog.get_logger(name)
        return lambda event, request_id, values: logger.info(event, **values, request_id=request_id)
    gather = loggers.lines.gather

    def say_plainly(event: str, request_id: str, values: dict[str, Any]) -> None:
        values["event"] = event
        values["request_id"] = request_id
        values["level"] = "info"
        values["timestamp"] = datetime.now(UTC)
        gather(orjson.dumps(values, default=str, option=_PLAIN))

    return say_plainly


def gather_no_more() -> None:
    """Write each line at once from now on: whoever ends the process may do so at any moment."""
    loggers = structlog.get_config()["logger_factory"]
    if isinstance(loggers, _Loggers):
        loggers.lines.end()


def descriptor() -> int:
    """Return the descriptor that lines leave by."""
    loggers = structlog.get_config()["logger_factory"]
    return loggers.lines.fileno() if isinstance(loggers, _Loggers) else sys.stderr.fileno()


def settle() -> None:
    """Wait a moment until what was said has left, in a process that ends without Python's own end."""
    gather_no_more()
    loggers = structlog.get_config()["logger_factory"]
    if isinstance(loggers, _Loggers):
        loggers.lines.settle()


def _rendering(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    if log_format is LogFormat.CONSOLE:
        return [
            _spell_identifiers,
            structlog.dev.ConsoleRenderer(colors=stream.isatty() and "NO_COLOR" not in os.environ),
        ]
    return [_render_json]


def _format_exception(logger: object, method: str, event: EventDict) -> EventDict:
    # Nearly every line has none.
    return structlog.processors.format_exc_info(logger, method, event) if "exc_info" in event else event


def _spell_identifiers(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in event.items()}


def _render_json(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str).decode()


def _quieten_libraries(level: LogLevel) -> None:
    """Log what libraries say of each request, connection and start-up step only at DEBUG.

    Pools complain of each connection of each try to connect; an outage is told once, by who uses them.
    """
    for name, floor in _FLOORS.items():
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(logging.DEBUG if level is LogLevel.DEBUG else max(floor, _number(level)))


def _number(level: LogLevel) -> int:
    return logging.getLevelNamesMapping()[level.value.upper()]


@contextmanager
def silenced(*names: str) -> Iterator[None]:
    """Disable loggers during an attempt whose failure is reported elsewhere."""
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False


bind = structlog.contextvars.bind_contextvars
"""Puts values on every later log line of the current request."""
