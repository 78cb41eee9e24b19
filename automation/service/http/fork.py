"""Fork of a parent that has loaded the application: a child is there at once, and shares the parent's memory.

A fork inherits more than a started program does. What the parent has for itself (descriptors, handlers of signals) is
gone before the child does anything else, and a signal that comes meanwhile waits. A parent with a second thread can't
fork, for a lock that the thread holds would be held for ever in the child: whoever asks starts a program then.
"""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path

_OPEN = Path("/dev/fd")
_STANDARD = frozenset({0, 1, 2})

_context = multiprocessing.get_context("fork")


def possible() -> bool:
    """Return whether this process is alone with its main thread, and so may fork."""
    return threading.active_count() == 1


def start(work: Callable[[], None], kept: Iterable[int]) -> ForkProcess:
    """Return a child that works, and ends when the work has.

    Args:
        work: What it does; on SIGINT it ends without a word, on other signals as a started program would.
        kept: Which of this process's descriptors it has, beside the standard ones; it closes all others.
    """
    surplus = _open_descriptors() - _STANDARD - set(kept)
    allowed = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        process = _context.Process(target=_live, args=(work, surplus, allowed))
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, allowed)
    return process


def _live(work: Callable[[], None], surplus: Collection[int], allowed: set[int]) -> None:
    gc.freeze()  # nothing of the parent's is finalised here, where its descriptors' numbers may be others'
    gc.disable()  # as at every start, until it serves
    for descriptor in surplus:
        os.close(descriptor)
    _hear_signals_as_started()
    with suppress(KeyboardInterrupt):
        signal.pthread_sigmask(signal.SIG_SETMASK, allowed)
        work()


def _open_descriptors() -> set[int]:
    found = {int(each.name) for each in _OPEN.iterdir()}
    return set(filter(_is_open, found))


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:  # it was that of the list
        return False
    return True


def _hear_signals_as_started() -> None:
    """Have signals do what they do in a program that was just started: those that are ignored stay so."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
