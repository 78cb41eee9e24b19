"""The signals that the tests, and all processes that they start, rely on: set here, whatever the run was started with.

A script's background job has SIGINT ignored, a supervisor's child may have signals blocked, and both are inherited: by
the run, by every process that a test starts, and by theirs. Python gives Ctrl-C its KeyboardInterrupt only where SIGINT
isn't ignored, and nobody can wait for children whose SIGCHLD is.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_DEFAULTS: dict[signal.Signals, Callable[[int, FrameType | None], object] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGQUIT: signal.SIG_DFL,
    signal.SIGCHLD: signal.SIG_DFL,
}
"""Not SIGHUP: under nohup a run is meant to outlive its terminal, and no test relies on it."""


def rely_on_no_inheritance() -> None:
    """Unblock all signals, and stop ignoring those that the run was started with ignored."""
    for number, handler in _DEFAULTS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


@contextmanager
def deaf() -> Iterator[None]:
    """Start what is started in the block as a script starts a background job, or worse: deaf to what ends it."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        for number, handler in handlers.items():
            signal.signal(number, handler)
