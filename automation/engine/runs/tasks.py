"""Tasks that nobody waits for any more: their end is looked at all the same, and told where nobody expected it."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, TypeVar

import structlog

from automation.domain.errors import Unavailable

_log = structlog.get_logger()

_T = TypeVar("_T")


def leave(task: "asyncio.Future[Any]", *expected: type[Exception]) -> None:
    """Let a task end by itself; the log tells of a failure that is not one of the expected, nor an outage."""
    task.add_done_callback(partial(_look_at, (Unavailable, *expected)))


def _look_at(expected: tuple[type[Exception], ...], task: "asyncio.Future[Any]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, expected):
        _log.error("task failed that nobody waited for", exc_info=error)


async def whole(work: Awaitable[_T]) -> _T:
    """Wait for work even where whoever asked for it is broken off meanwhile: half of a write can't be reported."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        leave(task)
        await asyncio.wait({task})
        raise
