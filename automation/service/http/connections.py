"""The connections of a process, taken together."""

from abc import ABC, abstractmethod


class Connection(ABC):
    """One of them."""

    @property
    @abstractmethod
    def idle(self) -> bool:
        """Whether there is no request, neither begun nor still to be answered."""

    @abstractmethod
    def finish(self) -> None:
        """Let the answer to the newest request be the last one, and say so in it, where that is not too late."""


class Connections:
    """All that are open, and whether they are to end.

    ``ending`` is read at every request: each answer is then the last one on its connection.
    """

    def __init__(self) -> None:
        self.ending = False
        self._open: set[Connection] = set()

    def add(self, connection: Connection) -> None:
        """Count one more."""
        self._open.add(connection)

    def remove(self, connection: Connection) -> None:
        """Count one less."""
        self._open.discard(connection)

    def any_idle(self) -> bool:
        """Return whether one is without a request, begun or whole."""
        return any(connection.idle for connection in self._open)

    def finish(self) -> None:
        """Have each end with the answer to its newest request, or to its next one where it has none."""
        self.ending = True
        for connection in self._open:
            connection.finish()
