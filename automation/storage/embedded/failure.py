"""The error of an embedded PostgreSQL that can't be had: the reason, and where its log is."""

from pathlib import Path

EXCERPT_LINES = 8


class EmbeddedServerError(Exception):
    """The embedded PostgreSQL can't be created, started or stopped.

    Args:
        reason: One clear sentence, with what to do about it where something can be done.
        log: The server's log, where there is one already.
    """

    def __init__(self, reason: str, *, log: Path | None = None) -> None:
        super().__init__(reason if log is None else f"{reason} The server's log is {log}")
        self.reason = reason
        self.log = log


def excerpt(text: str) -> str:
    """Return the last lines of a program's output, on one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-EXCERPT_LINES:])
