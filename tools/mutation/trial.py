"""Trials of mutants: the tests of a line, run on a copy of the repository in which that line is another."""

import resource
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.mutation.bounded import bounded

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".data*", ".mutation", ".*_cache", ".hypothesis", "node_modules", "dist", "build", "__pycache__"
)
MOST_TESTS = 400
"""Tests that are asked at most, the quickest first: a line that so many run is not tested by the others alone."""
PATIENCE = 30.0
"""Seconds that the tests may take longer than three times what they took on the code as it is."""
OUTSIDE = 150.0
"""Seconds that the tests from outside take on the code as it is."""
MEMORY = 6 * 1024**3
"""Bytes of address space for a mutant, which may know no end."""


class Verdict(StrEnum):
    """What became of a mutant.

    ``NOTICED``: a test failed or never ended. ``LIVED``: all tests passed. ``UNSEEN``: no test of this process runs the
    line. ``INVALID``: it is no program, so that it is no mutant: Python or the database does not take it. ``OPEN``: the
    time was over before the tests were.
    """

    NOTICED = "noticed"
    LIVED = "lived"
    UNSEEN = "unseen"
    INVALID = "invalid"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Asked:
    """Tests that a mutant is shown to.

    Args:
        tests: Their names, in the order in which they are asked.
        seconds: How long they take on the code as it is.
        until: When they are broken off, of the monotonic clock; None is never.
    """

    tests: Sequence[str]
    seconds: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the repository, for one mutant at a time."""

    place: Path

    @classmethod
    def of(cls, repository: Path, place: Path) -> "Copy":
        """Make a copy, anew where there is one."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(repository, place, ignore=LEFT_OUT)
        return cls(place)

    def tried(self, path: str, source: str, asked: Sequence[Asked], environment: dict[str, str]) -> Verdict:
        """Run tests with one file changed, one group after the other until a test of one notices.

        Args:
            path: The file, from the top of the repository.
            source: What stands in it.
            asked: The tests.
            environment: The environment to run them in.
        """
        if not any(each.tests for each in asked):
            return Verdict.UNSEEN
        if path.endswith(".py") and not _is_python(source):
            return Verdict.INVALID
        file = self.place / path
        original = file.read_text(encoding="utf-8")
        file.write_text(source, encoding="utf-8")
        try:
            verdicts = (self._run(each, environment | {"PYTHONPATH": str(self.place)}) for each in asked if each.tests)
            return next((verdict for verdict in verdicts if verdict is not Verdict.LIVED), Verdict.LIVED)
        finally:
            file.write_text(original, encoding="utf-8")

    def _run(self, asked: Asked, environment: dict[str, str]) -> Verdict:
        tests = asked.tests[:MOST_TESTS]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        own = 3 * asked.seconds + PATIENCE
        left = own if asked.until is None else asked.until - time.monotonic()
        run = bounded(command, self.place, environment, min(own, left), preexec_fn=_bound_memory)
        if run is None:
            return Verdict.NOTICED if own <= left else Verdict.OPEN
        code, output = run
        if code == 0:
            return Verdict.LIVED
        return Verdict.INVALID if "psycopg.errors.SyntaxError" in output and "upgrade" in output else Verdict.NOTICED


def _is_python(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _bound_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
