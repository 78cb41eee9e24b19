"""Single reads that are asked for at the same time, sent as one statement: a busy process saves round trips.

A read never waits for others to come. It is sent as soon as fewer than ``STATEMENTS`` are under way; what is asked for
meanwhile goes together with the next, at the latest after ``PATIENCE``: statements that take long don't hold others up.
Every read is sent after it was asked for, so it sees all that was committed before.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from automation.domain.errors import Unavailable

K = TypeVar("K")
V = TypeVar("V")

STATEMENTS = 2
"""How many statements are under way while they are quick: the database works on one, the other's answers leave."""
PATIENCE = 0.02
"""How many seconds a read waits for the statements under way to end."""
SIZE = 32
"""How many reads one statement has at the most, so that none waits long for its neighbours."""


@dataclass(frozen=True, slots=True)
class _Asked(Generic[K, V]):
    """A read that somebody waits for."""

    key: K
    future: asyncio.Future[V | None]


class Batches(Generic[K, V]):
    """Reads values by keys, several at a time.

    Args:
        fetch: Returns the values of keys, in their order; None for what isn't there.
        statements: How many calls of ``fetch`` are under way while they are quick.
        size: How many keys a call gets at the most.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[K]], Awaitable[Sequence[V | None]]],
        *,
        statements: int = STATEMENTS,
        size: int = SIZE,
    ) -> None:
        self._fetch = fetch
        self._statements = statements
        self._size = size
        self._waiting: deque[_Asked[K, V]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
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
        self._limit_waiting()

    def _limit_waiting(self) -> None:
        if self._waiting and self._impatience is None:
            self._impatience = asyncio.get_running_loop().call_later(PATIENCE, self._send_all)
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
        try:
            values = await self._fetch([asked.key for asked in batch])
            for asked, value in zip(batch, values, strict=True):
                if not asked.future.done():
                    asked.future.set_result(value)
        except Unavailable as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            if len(batch) == 1:
                _fail(batch, error)
            else:
                # Each is asked for alone, so that a faulty one fails by itself.
                await asyncio.gather(*(self._answer([asked]) for asked in batch))


def placed(rows: Iterable[Sequence[Any]], count: int) -> list[Sequence[Any] | None]:
    """Return rows in the order in which they were asked for, without their first column, which is that place.

    Args:
        rows: What a statement returned for a batch; places begin with 1, as ``WITH ORDINALITY`` has them.
        count: How many were asked for; None stands for those that have no row.
    """
    found: list[Sequence[Any] | None] = [None] * count
    for place, *row in rows:
        found[place - 1] = row
    return found


def _fail(batch: Sequence[_Asked[K, V]], error: Exception) -> None:
    for asked in batch:
        if not asked.future.done():
            asked.future.set_exception(error)
