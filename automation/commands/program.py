"""The command's outermost layer: runs what was asked, and turns failures into one line and an exit code.

0 is success, 1 a failure of what the command works with (a database out of reach, a broken contract), 2 a wrong
request (an unknown option or tenant, a setting that can't be used), 130 an interruption.
"""

import logging
import os
import signal
import sys
import warnings
from types import FrameType
from typing import NoReturn

import click

from automation.commands.catalogue import automation
from automation.commands.failures import describe

INTERRUPTED = 130
TERMINATED = 143


def main() -> NoReturn:
    """Run the command line that the process was started with, and exit."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # a library's deprecations are for those who develop, not for those who operate
    logging.getLogger().addHandler(logging.NullHandler())  # until a server sets its log up, no library speaks
    _rely_on_signals()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; what failed stands on standard error."""
    try:
        code = automation.main(arguments, prog_name="automation", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        return _without_a_reader()
    except Exception as error:
        failure = describe(error)
        if failure is None:
            raise
        for line in failure.lines:
            click.echo(line, err=True)
        return failure.code
    return code if isinstance(code, int) else 0


def _rely_on_signals() -> None:
    """Take the signals that end a command, however the process was started: a script's background job ignores SIGINT.

    What this process starts gets them as well. SIGHUP stays ignored where nohup wants it so.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _leave)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as an exception does, so that everything that is open is closed, the embedded server among it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(TERMINATED)


def _without_a_reader() -> int:
    """Keep the interpreter from complaining at its end that standard output is gone, as after ``| head``."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
