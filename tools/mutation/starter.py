"""Starts pytest for one trial after the other, as forks of a process that has imported what every trial loads.

Most of a short trial is imports. This program makes those of other people's packages once, none of ours, which mutants
change; for each trial it becomes pytest in a fork of its own. What it is asked comes as a line of JSON on its standard
input, and what becomes of it goes as lines to its standard output: the process, then its exit code.
"""

import importlib
import json
import math
import os
import resource
import subprocess
import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO, cast

from tools.mutation.bounded import end

PRELOADED = (
    "alembic.command",
    "connexion",
    "hypothesis",
    "httpx",
    "procrastinate",
    "psycopg_pool",
    "pydantic_settings",
    "pytest_asyncio",
    "sqlalchemy.ext.asyncio",
    "structlog",
)
MEMORY = 6 * 1024**3
"""Bytes of address space for a mutant, which may know no end."""
_CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a fork is to do: pytest's arguments, where it runs, its environment, where its output goes, and how much.

    Whoever asked for it ends it in time, unless he was killed: what goes on ends after ``processor`` seconds of work.
    """

    arguments: list[str]
    place: str
    environment: dict[str, str]
    output: str
    processor: int


class Starter:
    """Has pytest run in forks of one process; a context manager, used by one thread at a time.

    Args:
        place: A directory for what the trials say.
    """

    def __init__(self, place: Path) -> None:
        self._output = place / "output"

    def __enter__(self) -> "Starter":
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asked.close()
        self._process.wait()
        self._told.close()

    def run(
        self, arguments: Sequence[str], place: Path, environment: dict[str, str], seconds: float
    ) -> tuple[int, str] | None:
        """Return pytest's exit code and what it said, None where its time was over."""
        trial = _Trial(list(arguments), str(place), environment, str(self._output), _CORES * math.ceil(seconds) + 1)
        self._asked.write(json.dumps(asdict(trial)) + "\n")
        self._asked.flush()
        pid = int(self._told.readline())
        late = threading.Event()

        def stop() -> None:
            late.set()
            end(pid)

        timer = threading.Timer(max(0.0, seconds), stop)
        timer.start()
        code = int(self._told.readline())
        timer.cancel()
        end(pid)
        return None if late.is_set() else (code, self._output.read_text(encoding="utf-8", errors="replace"))

    @property
    def _asked(self) -> TextIO:
        return cast("TextIO", self._process.stdin)

    @property
    def _told(self) -> TextIO:
        return cast("TextIO", self._process.stdout)


def _serve() -> None:
    """Fork for every line that is asked, one after the other."""
    with warnings.catch_warnings(action="ignore"):
        for name in PRELOADED:
            importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.exit(_become(_Trial(**json.loads(line))))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(trial: _Trial) -> int:
    """Be pytest, in a session of its own: what it leaves behind can be ended with it."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(trial.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, descriptor in enumerate((nothing, output, output)):
        os.dup2(descriptor, number)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (trial.processor, trial.processor))
    os.chdir(trial.place)
    os.environ.clear()
    os.environ.update(trial.environment)
    sys.path[0] = trial.place
    for name in [name for name in sys.modules if name.split(".")[0] == "tools"]:
        del sys.modules[name]
    # Imported already, they can't be rewritten, which is for what plug-ins assert.
    arguments = ["-W", "ignore::pytest.PytestAssertRewriteWarning", *trial.arguments]
    return int(importlib.import_module("pytest").main(arguments))


if __name__ == "__main__":
    _serve()
