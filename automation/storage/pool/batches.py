"""Single reads that are asked for at the same time, sent as one statement: a busy process saves round trips.

A read never waits for others to come. It is sent as soon as fewer than ``STATEMENTS`` are under way; what is asked for
meanwhile goes together with the next, at the latest after ``PATIENCE``: statements that take long don't hold others up.
Every read is sent after it was asked for, so it sees all that was committed before.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final, Generic, Literal, TypeVar

from automation.domain.errors import Unavailable

K = TypeVar("K")
V = TypeVar("V")

STATEMENTS = 2
"""How many statements are under way while they are quick: the database works on one, the other's answers leave."""
PATIENCE = 0.02
"""How many seconds a read waits for the statements under way to end."""
SIZE = 32
"""How many reads one statement has at the most, so that none waits long for its neighbours."""


class Alone(Enum):
    """What ``fetch`` gives for a key whose value is left to a statement of its own: others shall not wait for it."""

    ALONE = auto()


ALONE: Final = Alone.ALONE


@dataclass(frozen=True, slots=True)
class _Asked(Generic[K, V]):
    """A read that somebody waits for."""

    key: K
    future: asyncio.Future[V | None]


class Batches(Generic[K, V]):
    """Reads values by keys, several at a time.

    Args:
        fetch: Returns the values of keys, in their order; None for what isn't there, ``ALONE`` for what is to be
            fetched alone.
        fetch_alone: Returns the value of one key, in what time is left to whoever waits since a reading of
            ``time.monotonic()``. It is asked where a batch's statement left that to it, failed, or took too long.
        statements: How many calls of ``fetch`` are under way while they are quick.
        size: How many keys a call gets at the most.
        patience: How many seconds a key waits for the calls under way to end.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[K]], Awaitable[Sequence[V | Literal[Alone.ALONE] | None]]],
        fetch_alone: Callable[[K, float], Awaitable[V | None]],
        *,
        statements: int = STATEMENTS,
        size: int = SIZE,
        patience: float = PATIENCE,
    ) -> None:
        self._fetch = fetch
        self._fetch_alone = fetch_alone
        self._statements = statements
        self._size = size
        self._patience = patience
        self._waiting: deque[_Asked[K, V]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._alone: set[asyncio.Task[None]] = set()
        self._scheduled = False
        self._impatience: asyncio.TimerHandle | None = None

    async def read(self, key: K) -> V | None:
        """Return the value of a key, or None where there is none.

        Raises:
            Exception: What ``fetch`` raised, for this key and not for another one's sake.
        """
        loop = asyncio.get_running_loop()
        asked: _Asked[K, V] = _Asked(key, loop.create_future())
        self._waiting.append(asked)
        if len(self._under_way) >= self._statements:
            self._limit_waiting()
        elif not self._scheduled:
            # After all that is ready now: requests that arrived together are asked for together.
            self._scheduled = True
            loop.call_soon(self._send)
        return await asked.future

    def _send(self) -> None:
        self._scheduled = False
        while self._waiting and len(self._under_way) < self._statements:
            self._send_batch()
        if self._waiting or self._impatience is not None:
            self._limit_waiting()

    def _limit_waiting(self) -> None:
        if self._waiting and self._impatience is None:
            self._impatience = asyncio.get_running_loop().call_later(self._patience, self._send_all)
        elif not self._waiting and self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _send_all(self) -> None:
        self._impatience = None
        while self._waiting:
            self._send_batch()

    def _send_batch(self) -> None:
        batch: list[_Asked[K, V]] = []
        while self._waiting and len(batch) < self._size:
            asked = self._waiting.popleft()
            if not asked.future.done():  # else whoever asked has given up
                batch.append(asked)
        if batch:
            # In a context of its own: it is nobody's request, and must not name one in the log.
            task = asyncio.create_task(self._answer(batch), context=Context())
            self._under_way.add(task)
            task.add_done_callback(partial(self._go_on, batch))

    def _go_on(self, batch: Sequence[_Asked[K, V]], task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if task.cancelled():
            # The statement was, perhaps before its first step, and nobody who waits for it.
            _fail(batch, Unavailable())
        self._send()

    async def _answer(self, batch: Sequence[_Asked[K, V]]) -> None:
        started = time.monotonic()
        try:
            values = await self._fetch([asked.key for asked in batch])
            for asked, value in zip(batch, values, strict=True):
                if value is ALONE:
                    self._ask_alone(asked, started)
                elif not asked.future.done():
                    asked.future.set_result(value)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            if len(batch) == 1 or (isinstance(error, Unavailable) and not error.timed_out):
                _fail(batch, error)
            else:
                # Each is asked for alone, so that a faulty or slow one fails by itself.
                for asked in batch:
                    self._ask_alone(asked, started)

    def _ask_alone(self, asked: _Asked[K, V], started: float) -> None:
        """Have a read answered beside the statements under way, which hold up what waits for them."""
        task = asyncio.create_task(self._answer_alone(asked, started), context=Context())
        self._alone.add(task)
        task.add_done_callback(partial(self._end_alone, asked))

    def _end_alone(self, asked: _Asked[K, V], task: asyncio.Task[None]) -> None:
        self._alone.discard(task)
        if task.cancelled():
            _fail([asked], Unavailable())

    async def _answer_alone(self, asked: _Asked[K, V], started: float) -> None:
        if asked.future.done():  # whoever asked has given up
            return
        try:
            value = await self._fetch_alone(asked.key, started)
        except Exception as error:  # noqa: BLE001 - the same
            _fail([asked], error)
        else:
            if not asked.future.done():
                asked.future.set_result(value)


def _fail(batch: Sequence[_Asked[K, V]], error: Exception) -> None:
    for asked in batch:
        if not asked.future.done():
            asked.future.set_exception(error)
