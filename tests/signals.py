"""The signals that the tests, and all processes that they start, rely on: set here, whatever the run was started with.

A script's background job has SIGINT ignored, a supervisor's child may have signals blocked, and both are inherited: by
the run, by every process that a test starts, and by theirs. Python gives Ctrl-C its KeyboardInterrupt only where SIGINT
isn't ignored, and nobody can wait for children whose SIGCHLD is.
"""

import signal

_DEFAULTS = {
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
