"""Screen of the demo: a line for each step with the time it took, on standard error; a spinner where that moves."""

import sys
import time
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

_WIDTH = 38


class Screen:
    """What people see until the demo is ready; one step ends where the next begins.

    Args:
        moving: Whether a terminal may show a spinner: not while other lines are written to it.
    """

    def __init__(self, *, moving: bool) -> None:
        self._console = Console(file=sys.stderr, highlight=False)
        self._moving = moving and self._console.is_terminal and not self._console.is_dumb_terminal
        self._live: Live | None = None
        self._step: str | None = None
        self._began = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._clear()

    def say(self, line: str) -> None:
        """Show a line as it is."""
        self._console.print(Text(line), soft_wrap=True)

    def begin(self, step: str) -> None:
        """Finish the former step, and show that this one is at work."""
        self.finish()
        self._step, self._began = step, time.monotonic()
        if self._moving:
            self._live = Live(
                Spinner("dots", Text(step)),
                console=self._console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,  # it leads into the log
            )
            self._live.start()

    def finish(self) -> None:
        """Show how long the step took."""
        step, seconds = self._step, time.monotonic() - self._began
        self._clear()
        if step is not None:
            self.say(f"  {step:<{_WIDTH}}{seconds:5.1f} s")

    def _clear(self) -> None:
        """Erase the spinner; an unfinished step leaves no line."""
        self._step = None
        live, self._live = self._live, None
        if live is not None:
            live.stop()
