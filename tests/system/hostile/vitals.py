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
    LONGEST_LAG,
    MEMORY_MORE,
    RECOVERY,
    SLACK,
    TIMES_SLOWER,
)
from tests.system.hostile.checks import usual
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
    _unanswered: str = ""
    _at_rest: dict[str, int] = field(default_factory=dict)
    """The most memory that a process of each kind had while the arena was warmed up, or when it was first looked at."""
    _descriptors: dict[int, int] = field(default_factory=dict)

    async def recovered(self) -> list[str]:
        """Wait until all processes are there and answer again and again in time; return what isn't so in the end."""
        until = time.monotonic() + RECOVERY * SLACK
        missing, in_a_row = self._missing(), 0
        while missing or in_a_row < IN_A_ROW:
            if time.monotonic() > until:
                return missing or [self._unanswered]
            in_a_row = in_a_row + 1 if await self._answers(in_a_row) else 0
            missing = self._missing()
        return []

    def rest(self) -> None:
        """Note what memory the processes have, which is as much as they may need."""
        for kind, process in self._processes():
            with suppress(psutil.NoSuchProcess):
                self._at_rest[kind] = max(self._at_rest.get(kind, 0), process.memory_info().rss)

    def kept(self) -> list[str]:
        """Return a line for each process that keeps too much, of what its like had at rest when they were warm."""
        found = []
        if not self._at_rest:
            self.rest()
        for kind, process in self._processes():
            with suppress(psutil.NoSuchProcess):
                memory, descriptors = process.memory_info().rss, process.num_fds()
                most = self._at_rest[kind] * (1 + MEMORY_MORE * SLACK)
                first = self._descriptors.setdefault(process.pid, descriptors)
                if memory > most:
                    found.append(f"{kind} {process.pid} has {memory >> 20} MiB; {int(most) >> 20} are allowed")
                if descriptors > first + DESCRIPTORS_MORE:
                    found.append(f"{kind} {process.pid} went from {first} to {descriptors} descriptors")
        return found

    def memory(self) -> list[int]:
        """Return the MiB that each process has."""
        found = []
        for _, process in self._processes():
            with suppress(psutil.NoSuchProcess):
                found.append(process.memory_info().rss >> 20)
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
        """Return whether a new connection is answered in time, by the event loop alone or by the database too."""
        path, longest = ("/healthz", self._longest_lag()) if number % 2 else (self.arena.innocents.execution, ANSWERING)
        began, longest = time.monotonic(), longest * SLACK
        answer = None
        with suppress(OSError, EOFError):
            async with asyncio.timeout(max(ANSWERING * SLACK, longest)):
                answer = await self._ask(path)
        took = time.monotonic() - began
        if answer == 200 and took <= longest:
            return True
        self._unanswered = f"{path} was answered {answer} after {took:.3f} s; {longest:.3f} s are allowed"
        await asyncio.sleep(0.1)
        return False

    async def _ask(self, path: str) -> int:
        wire = Wire(self.arena.base_url)
        answer = await wire.ask("GET", path, {"x-api-key": self.arena.innocents.key})
        wire.close()
        return answer.status

    def _longest_lag(self) -> float:
        """Return how late an event loop may be, which says nothing of a machine that is late itself."""
        return max(LONGEST_LAG, TIMES_SLOWER * usual(self.arena.innocents.calm))

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        yield from (("server", child) for child in children_of(self.arena.service))
        for worker in self.arena.workers:
            with suppress(psutil.NoSuchProcess):  # whose end is told of elsewhere
                yield "worker", psutil.Process(worker.popen.pid)

    def _new_lines(self) -> Iterator[dict[str, Any]]:
        for process in (self.arena.service, *self.arena.workers, *self.arena.former):
            lines = process.log_lines()
            yield from lines[self._read.get(process.popen.pid, 0) :]
            self._read[process.popen.pid] = len(lines)
