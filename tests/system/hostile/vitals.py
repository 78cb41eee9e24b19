"""Vital signs of every process: that it lives and answers, what it logs, and what memory and descriptors it keeps."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.system.children import children_of
from tests.system.hostile.arena import CHILDREN, Arena
from tests.system.hostile.bounds import (
    ANSWERING,
    DESCRIPTORS_MORE,
    MEMORY_MORE,
    MEMORY_TIMES,
    RECOVERY,
    SLACK,
)
from tests.system.wire import Wire

IN_A_ROW = 20
_BAD = {
    "event loop held",
    "event loop hangs, the process ends",
    "process ended at once: the next one waits",
    "no connections taken",
    "run broke off",
    "run given up",
    "unforeseen error",
}
_REPLACED = "process replaced"


@dataclass
class Vitals:
    """What was seen of the processes so far."""

    arena: Arena
    _read: dict[int, int] = field(default_factory=dict)
    _first: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Memory and descriptors of each process when it was first looked at."""

    async def recovered(self) -> list[str]:
        """Wait until all processes are there and answer again and again in time; return what isn't so in the end."""
        until = time.monotonic() + RECOVERY * SLACK
        missing, in_a_row = self._missing(), 0
        while missing or in_a_row < IN_A_ROW:
            if time.monotonic() > until:
                return missing or [f"not {IN_A_ROW} answers in a row within {ANSWERING} s each"]
            in_a_row = in_a_row + 1 if await self._answers(in_a_row) else 0
            missing = self._missing()
        return []

    def kept(self) -> list[str]:
        """Return a line for each process that keeps too much, of what it had when it was first looked at."""
        found = []
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                memory, descriptors = process.memory_info().rss, process.num_fds()
                first = self._first.setdefault(process.pid, (memory, descriptors))
                if memory > first[0] * MEMORY_TIMES + MEMORY_MORE:
                    found.append(f"process {process.pid} went from {first[0] >> 20} to {memory >> 20} MiB")
                if descriptors > first[1] + DESCRIPTORS_MORE:
                    found.append(f"process {process.pid} went from {first[1]} to {descriptors} descriptors")
        return found

    def told(self, *, replaces: bool) -> list[str]:
        """Return what the logs have told since the last time that must not be."""
        bad = _BAD if replaces else {*_BAD, _REPLACED}
        return [
            f"logged: {line}"
            for line in self._new_lines()
            if line["event"] in bad or "breaks the contract" in line["event"] or line.get("status") == 500
        ]

    def _missing(self) -> list[str]:
        parent = self.arena.service
        if parent.popen.poll() is not None:
            return [f"the service has ended: {parent.popen.returncode}"]
        gone = sum(worker.popen.poll() is not None for worker in self.arena.workers)
        lacking = CHILDREN - len(children_of(parent))
        return [
            *([f"{gone} workers have ended"] if gone else []),
            *([f"{lacking} of {CHILDREN} processes of the service are missing"] if lacking > 0 else []),
        ]

    async def _answers(self, number: int) -> bool:
        """Return whether a new connection is answered in time, which says nothing of a machine that is late itself."""
        wire = Wire(self.arena.base_url)
        path = self.arena.innocents.execution if number % 2 else "/healthz"
        with suppress(OSError, EOFError):
            async with asyncio.timeout(ANSWERING * SLACK):
                if (await wire.ask("GET", path, {"x-api-key": self.arena.innocents.key})).status == 200:
                    wire.close()
                    return True
        await asyncio.sleep(0.1)
        return False

    def _processes(self) -> Iterator[psutil.Process]:
        yield from children_of(self.arena.service)
        yield from (psutil.Process(worker.popen.pid) for worker in self.arena.workers)

    def _new_lines(self) -> Iterator[dict[str, Any]]:
        for process in (self.arena.service, *self.arena.workers, *self.arena.former):
            lines = process.log_lines()
            yield from lines[self._read.get(process.popen.pid, 0) :]
            self._read[process.popen.pid] = len(lines)
