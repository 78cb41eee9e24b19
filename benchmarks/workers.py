"""Workers of an engine that is measured: started, frozen until a backlog waits, and ended with all their children."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contenders import Contender, Ground

STOP_SECONDS = 15


@dataclass(slots=True)
class Workers:
    """The processes of a worker, or of several, each the leader of a group of its own.

    Args:
        log: What they write to.
        start: Where in it what they write begins.
    """

    log: Path
    start: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [each.pid for each in self.processes]

    def have_said(self, text: str) -> bool:
        """Say whether each of them has written a text."""
        with self.log.open("rb") as file:
            file.seek(self.start)
            return file.read().count(text.encode()) >= len(self.processes)

    def freeze(self) -> None:
        """Stop them all where they are."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End them all, with their children."""
        for number, patience in ((signal.SIGCONT, 0), (signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            self._signal(number)
            deadline = time.monotonic() + patience
            for each in self.processes:
                with suppress(subprocess.TimeoutExpired):
                    each.wait(max(0.0, deadline - time.monotonic()))

    def _signal(self, number: signal.Signals) -> None:
        for each in self.processes:
            if each.poll() is None:
                os.killpg(each.pid, number)


@contextmanager
def working(contender: Contender, ground: Ground) -> Iterator[Workers]:
    """Start an engine's workers, and end them."""
    path = ground.logs / contender.log
    with path.open("ab") as log:
        workers = Workers(path, log.tell())
        try:
            for _ in range(contender.workers):
                workers.processes.append(
                    subprocess.Popen(
                        contender.command(),
                        env=contender.environment(ground),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
            yield workers
        finally:
            workers.stop()
