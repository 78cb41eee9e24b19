"""Writes log lines beside the thread that says them, which a pipe that nobody reads would hold for ever otherwise."""

import threading
from typing import Any

PATIENCE = 1.0
"""Seconds that a line is waited for; after that it is written whenever somebody reads."""


def say(logger: Any, level: str, event: str, **values: Any) -> None:
    """Write a log line in a thread of its own.

    Args:
        logger: Who says it.
        level: The logger's method, such as ``warning``.
        event: What happened.
        values: What belongs to it.
    """
    line = threading.Thread(target=getattr(logger, level), args=(event,), kwargs=values, name="log line", daemon=True)
    line.start()
    line.join(PATIENCE)
