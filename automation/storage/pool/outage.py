"""Outage of PostgreSQL: what counts as evidence of one, and how long it lasts; shared by the connections of a pool.

A statement that takes too long is none: it may be large, or wait for a lock. A connection that is refused is one, and
so are several statements in a row to which the server says nothing at all.
"""

import logging
import time

from automation.storage.pool.causes import Cause

SILENT_STATEMENTS = 3
"""How many statements in a row must be given up, without a word from the server, to be an outage."""

LOGGER = "automation.database"
"""Who tells of outages."""

_log = logging.getLogger(LOGGER)


class Outage:
    """Whether PostgreSQL is away, as far as anybody has noticed: so others need not wait to notice it; told of once.

    ``cause`` is why it refused the last connection, where it said so, and ``silent_statements`` counts those in a row
    that were given up without a word from it.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self.silent_statements = 0
        self.cause: Cause | None = None

    def begin(self, reason: str, cause: Cause | None = None) -> None:
        """Record that it could not be connected to, and in which words that was said."""
        self.cause = cause
        if self._since is None:
            self._since = time.monotonic()
            _log.warning("database away", extra={"error": reason})

    def end(self) -> None:
        """Record that it could be connected to."""
        if self._since is not None:
            _log.info("database back", extra={"seconds": round(time.monotonic() - self._since, 1)})
        self._since = self.cause = None
        self.silent_statements = 0

    def hears(self) -> None:
        """Record that it answered, whatever it said."""
        self.silent_statements = 0

    def hears_nothing(self) -> bool:
        """Record that a statement was given up, and return whether that is evidence by now."""
        self.silent_statements += 1
        if self.silent_statements >= SILENT_STATEMENTS:
            self.begin("it does not answer")
        return self.lasts()

    def lasts(self, at_least: float = 0.0) -> bool:
        """Return whether it is going on, for at least so many seconds."""
        return self._since is not None and time.monotonic() - self._since >= at_least
