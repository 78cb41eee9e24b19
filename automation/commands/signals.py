"""Signals as every command relies on them, whatever it was started with: a script's background job inherits others."""

import signal
import sys
from types import FrameType
from typing import NoReturn

TERMINATED = 143


def take_over() -> None:
    """Have Ctrl-C, SIGTERM and the end of the terminal end the process as an exception does, so that all is closed.

    They count even where they were ignored or blocked, here and in what this process starts; SIGHUP alone stays ignored
    where nohup wants it so.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would hide how the programs end that are run here
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hang_up)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def pass_over() -> None:
    """Let no signal disturb the interpreter's end, in which Python's own handlers are gone already."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(TERMINATED)


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    """Stop as on SIGTERM, which whoever serves by then handles in order."""
    signal.raise_signal(signal.SIGTERM)
