"""The service's own request log, held to the statuses that the contract documents."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.shipped_contract.shipped import ENTRIES, responses

DOCUMENTED = frozenset((entry.name, status) for entry in ENTRIES for status in responses(entry))
"""Every operation with every status that the contract documents for it."""

ELSEWHERE = frozenset({200, 303, 304, 308, 400, 404, 405, 431})
"""What is answered to a request that is routed to no operation: the root and the pages under it, and refusals."""


@dataclass(frozen=True)
class Journal:
    """What some processes of the service answered.

    Args:
        answers: Each operation with each status that was seen of it; None is no operation, or no answer.
    """

    answers: frozenset[tuple[str | None, int | None]]

    def missing(self) -> list[str]:
        """Return the documented statuses that were never seen, a line for each."""
        return [
            f"{operation} was never seen to answer {status}"
            for operation, status in sorted(DOCUMENTED)
            if (operation, status) not in self.answers
        ]

    def undocumented(self) -> list[str]:
        """Return what was seen although it isn't documented, a line for each; no answer at all is never documented."""
        allowed = {*DOCUMENTED, *((None, status) for status in ELSEWHERE)}
        return sorted(
            f"{operation} answered {status}, which is not documented" for operation, status in self.answers - allowed
        )


def read(directory: Path) -> Journal:
    """Return what the processes answered whose logs are in a directory."""
    lines = (line for log in directory.iterdir() for line in _lines(log) if line["event"] == "request")
    return Journal(frozenset((line["operation"], line["status"]) for line in lines))


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    """Yield the structured lines of a log, but not one that is being written."""
    with log.open() as file:
        for line in file:
            if line.startswith("{") and line.endswith("\n"):
                yield json.loads(line)
