"""Interruption of the demo: Ctrl-C and SIGTERM end it in order, whatever it is doing, and a terminal is told so."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, NoReturn

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
_TERMINAL = 2
# In the place of the line that the terminal shows ^C in, or a spinner.
_STOPPING = b"\r\x1b[2KStopping ...\n"


class Interruption:
    """What the demo does with the signals that stop it, and whether one came."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._also: Callable[[], None] | None = None

    @property
    def requested(self) -> bool:
        """Whether the demo is to stop."""
        return self._requested.is_set()

    def take_over(self) -> None:
        """Have the first signal end the process as an exception does; later ones don't disturb what it then closes.

        Both count even where they were ignored or blocked, as SIGINT is for a script's background job.
        """
        for number in _NUMBERS:
            signal.signal(number, self._leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _NUMBERS)

    def observe(self, also: Callable[[], None] | None = None) -> None:
        """Leave the first signal to the server, which has its own handlers by now, and note that it came.

        Args:
            also: Called then, too: what can stop while the server does.
        """
        self._also = also
        for number in _NUMBERS:
            handler = signal.getsignal(number)
            if callable(handler):
                signal.signal(number, partial(self._note, handler))

    def heed(self) -> None:
        """Leave where a signal came whose exception was lost, as one is that comes while an object is finalized."""
        if self.requested:
            sys.exit(0)

    def _leave(self, _number: int, _frame: FrameType | None) -> NoReturn:
        for number in _NUMBERS:
            signal.signal(number, _pass_over)  # not SIG_IGN, which programs inherit that are started to clean up
        self._request()
        sys.exit(0)

    def _request(self) -> None:
        self._requested.set()
        if os.isatty(_TERMINAL):
            os.write(_TERMINAL, _STOPPING)  # and not by what may be in the middle of writing

    def _note(self, handler: Callable[[int, FrameType | None], Any], number: int, frame: FrameType | None) -> None:
        if not self.requested:  # a second one would have the server drop what it is closing
            self._request()
            handler(number, frame)
            if self._also is not None:
                self._also()


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the demo is stopping already."""
