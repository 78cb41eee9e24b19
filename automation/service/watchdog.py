"""Watches an event loop from a thread: a loop that hangs is told with its stack, and at last ended to be started anew.

How long it hangs is counted in the thread's own ticks and not read from a clock: a process that was frozen as a whole,
or whose machine slept, comes back one tick late, however long that was. What holds the interpreter itself holds the
thread too; that is noticed from outside, by the parent of several processes or by systemd.
"""

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self

import structlog

from automation.service import side_log

EXIT_CODE = 70
"""How a process ends whose event loop hangs: sysexits.h's EX_SOFTWARE, which nothing else here ends with."""

_TICKS_TO_WARN = 20

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """For how many seconds an event loop may be held before it is told, and before its process is ended."""

    warn_seconds: float
    kill_seconds: float

    @property
    def tick_seconds(self) -> float:
        """How often the loop is looked at."""
        return self.warn_seconds / _TICKS_TO_WARN


class Verdict(Enum):
    """What a tick has shown."""

    WELL = auto()
    SILENT = auto()
    HELD = auto()
    """It is time to say so."""
    RELEASED = auto()
    """It was said to be held, and goes on."""
    HANGING = auto()
    """It is time to end."""


class Lag:
    """Counts for how many ticks in a row an event loop hasn't answered."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ticks = 0
        self._told = False

    @property
    def seconds(self) -> float:
        """For how long it hasn't answered, were every tick on time."""
        return round(self._ticks * self._limits.tick_seconds, 3)

    def tick(self, *, answered: bool) -> Verdict:
        """Count one more tick.

        Args:
            answered: Whether the loop has answered since the last one.
        """
        if answered:
            told, self._told = self._told, False
            self._ticks = 0
            return Verdict.RELEASED if told else Verdict.WELL
        self._ticks += 1
        if self.seconds >= self._limits.kill_seconds:
            return Verdict.HANGING
        if self.seconds >= self._limits.warn_seconds and not self._told:
            self._told = True
            return Verdict.HELD
        return Verdict.SILENT


class Watchdog:
    """Watches the event loop in whose thread it is started, until it is stopped.

    Args:
        limits: What the loop is held to.
        on_well: Called in the watchdog's thread whenever the loop has just answered.
    """

    def __init__(self, limits: Limits, *, on_well: Callable[[], None] | None = None) -> None:
        self._limits = limits
        self._on_well = on_well
        self._lag = Lag(limits)
        self._stopped = threading.Event()
        self._answered = threading.Event()
        self._answered.set()
        self._watched = 0

    def start(self) -> None:
        """Begin to watch the running event loop."""
        self._watched = threading.get_ident()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, args=(loop,), name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer; a loop that isn't watched may hang."""
        self._stopped.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopped.wait(self._limits.tick_seconds):
            answered = self._answered.is_set()
            if answered:
                self._answered.clear()
                try:
                    loop.call_soon_threadsafe(self._answered.set)
                except RuntimeError:
                    return  # the loop is closed
            self._act_on(self._lag.tick(answered=answered))

    def _act_on(self, verdict: Verdict) -> None:
        match verdict:
            case Verdict.WELL | Verdict.RELEASED:
                if self._on_well is not None:
                    self._on_well()
                if verdict is Verdict.RELEASED:
                    _say("info", "event loop goes on")
            case Verdict.HELD:
                _say("warning", "event loop held", seconds=self._lag.seconds, stack=self._stack())
            case Verdict.HANGING:
                self._end()
            case Verdict.SILENT:
                pass

    def _end(self) -> None:
        _say(
            "critical",
            "event loop hangs, the process ends",
            seconds=self._lag.seconds,
            exit_code=EXIT_CODE,
            stack=self._stack(),
        )
        os._exit(EXIT_CODE)

    def _stack(self) -> str:
        """Return what the loop's thread is doing."""
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - the documented way to another thread's stack
        return "".join(traceback.format_stack(frame)) if frame is not None else ""


def _say(level: str, event: str, **values: Any) -> None:
    side_log.say(_log, level, event, **values)
