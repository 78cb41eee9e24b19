"""An event loop that runs turn by turn, on a clock that moves by hand: what happens in which turn is the test's choice.

A turn that runs on and on, because something in it awaits what is done already, ends with :class:`Spinning` after a
number of calls: counted, not timed.
"""

import asyncio
import sys
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

MOST_CALLS = 20_000
"""How many functions of Python one turn may call; the longest that is right calls some hundreds."""


class Spinning(AssertionError):
    """A turn didn't end."""


class _Break(KeyboardInterrupt):
    """Breaks a turn off; of this kind because no task or callback swallows it."""


class TurnLoop(asyncio.SelectorEventLoop):
    """Runs one turn at a time; ``now`` is its clock, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._calls = 0

    def time(self) -> float:
        """Return what the test has set."""
        return self.now

    def begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task; its first step is in the next turn."""
        return self.create_task(work)

    def turn(self, times: int = 1) -> None:
        """Run what is ready, and nothing that becomes so meanwhile; as often as ``times``.

        Raises:
            Spinning: What is ready doesn't end.
        """
        for _ in range(times):
            self._calls = 0
            self.call_soon(self.stop)
            before = sys.getprofile()
            sys.setprofile(self._count)
            try:
                self.run_forever()
            except _Break:
                raise Spinning from None
            finally:
                sys.setprofile(before)

    def discard(self) -> None:
        """Cancel what is left, and close; what nobody looks at any more is not complained of."""
        self.set_exception_handler(lambda _loop, _context: None)
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.turn(5)
        self.close()

    def _count(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            self._calls += 1
            if self._calls > MOST_CALLS:
                raise _Break
