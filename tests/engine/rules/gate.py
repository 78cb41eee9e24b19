"""A gate at which work in the thread of rules is held, and rules that take so long that they come there."""

import asyncio
import threading
from typing import Any

SHORT: dict[str, Any] = {
    "name": "Notify",
    "actions": [{"type": "webhook_call", "config": {"url": "https://example.com/", "json": "${trigger.id}"}}],
}
LONG: dict[str, Any] = {
    "name": "Notify",
    "actions": [{"type": "webhook_call", "config": {"url": "https://example.com/", "json": ["${trigger.id}"] * 100}}],
}


class Gate:
    """Holds whoever rests until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self.rests = 0

    def rest(self) -> None:
        """Wait until it is open."""
        self.rests += 1
        self.reached.set()
        assert self._open.wait(60)

    def open(self) -> None:
        """Let everybody go on, from now on."""
        self._open.set()

    async def held(self) -> None:
        """Return when somebody rests."""
        assert await asyncio.to_thread(self.reached.wait, 60)
