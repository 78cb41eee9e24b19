"""The command's outermost layer: runs what was asked, and turns failures into one line and an exit code.

0 is success, 1 a failure of what the command works with (a database out of reach, a broken contract), 2 a wrong
request (an unknown option or tenant, a setting that can't be used), 130 an interruption, 143 SIGTERM. What serves until
it is stopped exits with 0 when it is.
"""

import gc
import logging
import os
import sys
import warnings
from typing import NoReturn

import click

from automation.commands import INTERRUPTED, signals
from automation.commands.catalogue import automation
from automation.commands.failures import describe


def main() -> NoReturn:
    """Run the command line that the process was started with, and exit."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # a library's deprecations are for those who develop, not for those who operate
    logging.getLogger().addHandler(logging.NullHandler())  # until a server sets its log up, no library speaks
    try:
        sys.exit(run(sys.argv[1:]))
    finally:
        signals.pass_over()
        gc.freeze()  # looking through all that was imported, once more for the last time, takes a third of a second


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; failures are written to standard error."""
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


def _without_a_reader() -> int:
    """Keep the interpreter from complaining at its end that standard output is gone, as after ``| head``."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
