"""Requests at a fixed rate, whatever the answers: a client that waits for each answer would hide a hang."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.system.wire import Wire

LONGEST_ANSWER = 10.0
"""Seconds after which a request is given up."""


@dataclass
class OpenLoop:
    """Sends one request over and over.

    Args:
        base_url: Where the service is.
        path: What is asked for.
        headers: The request's.
        rate: How many requests a second are sent.
    """

    base_url: str
    path: str
    headers: Mapping[str, str]
    rate: float
    outcomes: Counter[int | None] = field(default_factory=Counter)
    """How often each status was seen; None is no answer in time."""

    async def run(self, seconds: float) -> None:
        """Send requests for so long, and wait until each is answered or given up."""
        wire = Wire(self.base_url)
        began = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(int(seconds * self.rate)):
                    await asyncio.sleep(began + number / self.rate - time.monotonic())
                    group.create_task(self._ask(wire))
        finally:
            wire.close()

    async def _ask(self, wire: Wire) -> None:
        try:
            async with asyncio.timeout(LONGEST_ANSWER):
                self.outcomes[(await wire.ask("GET", self.path, self.headers)).status] += 1
        except (TimeoutError, OSError, EOFError):
            self.outcomes[None] += 1
