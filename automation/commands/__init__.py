"""The command ``automation``: everything an operator does, each way of going wrong told in one line."""

import gc
import sys
from typing import NoReturn

from automation.commands import signals

INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line that the process was started with, and exit; Ctrl-C counts from the first moment."""
    try:
        signals.take_over()
        gc.disable()  # until something serves, nearly all that is made is imported, and stays
        from automation.commands import program  # noqa: PLC0415 - signals are taken first

        program.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
