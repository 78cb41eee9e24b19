"""Repeats what is done behind the requests, in the background, and does it once more at the end."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress


class Periodic:
    """Calls a function again and again.

    Args:
        function: What is called; it raises nothing.
        period: Seconds between two calls.
    """

    def __init__(self, function: Callable[[], Awaitable[None]], period: float) -> None:
        self._function = function
        self._period = period
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start in the background of the running event loop."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._repeat())

    async def stop(self) -> None:
        """End the background task, and call the function for the last time."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            self._task = None
        await self._function()

    async def _repeat(self) -> None:
        while not self._stopping.is_set():
            await rest(self._period, self._stopping)
            await self._function()


async def rest(seconds: float, until: asyncio.Event) -> None:
    """Rest for so many seconds, or until an event is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()


def uneven(seconds: float) -> float:
    """Return about as many seconds: what keeps processes from marching in step."""
    return seconds * random.uniform(0.75, 1.0)  # noqa: S311 - see above
