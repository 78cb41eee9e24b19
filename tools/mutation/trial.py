"""Trials of mutants: the tests of a line, run on a copy of the repository in which that line is another."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".data*", ".mutation", ".*_cache", ".hypothesis", "node_modules", "dist", "build", "__pycache__"
)
MOST_TESTS = 400
"""Tests that are asked at most, the quickest first: a line that so many run is not tested by the others alone."""
PATIENCE = 30.0
"""Seconds that the tests may take longer than three times what they took on the code as it is."""
MEMORY = 6 * 1024**3
"""Bytes of address space for a mutant, which may know no end."""


class Verdict(StrEnum):
    """What became of a mutant.

    ``NOTICED``: a test failed or never ended. ``LIVED``: all tests passed. ``UNSEEN``: no test of this process runs the
    line. ``INVALID``: it is no program, so that it is no mutant: Python or the database does not take it.
    """

    NOTICED = "noticed"
    LIVED = "lived"
    UNSEEN = "unseen"
    INVALID = "invalid"


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

    def tried(
        self, path: str, source: str, tests: Sequence[str], seconds: float, environment: dict[str, str]
    ) -> Verdict:
        """Run tests with one file changed.

        Args:
            path: The file, from the top of the repository.
            source: What stands in it.
            tests: The tests' names, in the order in which they are asked.
            seconds: How long these take on the code as it is.
            environment: The environment to run them in.
        """
        if not tests:
            return Verdict.UNSEEN
        if path.endswith(".py") and not _is_python(source):
            return Verdict.INVALID
        file = self.place / path
        original = file.read_text(encoding="utf-8")
        file.write_text(source, encoding="utf-8")
        try:
            return self._run(tests[:MOST_TESTS], seconds, environment | {"PYTHONPATH": str(self.place)})
        finally:
            file.write_text(original, encoding="utf-8")

    def _run(self, tests: Sequence[str], seconds: float, environment: dict[str, str]) -> Verdict:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        process = subprocess.Popen(
            command,
            cwd=self.place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_bound_memory,  # noqa: PLW1509 -- this program has no other threads that hold a lock
        )
        try:
            output, _ = process.communicate(timeout=3 * seconds + PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Verdict.NOTICED
        if process.returncode == 0:
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
