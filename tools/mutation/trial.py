"""Trials of mutants: the tests of a line, run on a copy of the repository in which that line is another."""

import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.mutation.starter import Starter

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".data*", ".mutation", ".*_cache", ".hypothesis", "node_modules", "dist", "build", "__pycache__"
)
MOST_TESTS = 400
"""Tests that are asked at most, the quickest first: a line that so many run is not tested by the others alone."""
PATIENCE = 30.0
"""Seconds that the tests may take longer than three times what they took on the code as it is."""
OUTSIDE = 150.0
"""Seconds that the tests from outside take on the code as it is."""

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+\.py(?:::.+?)?)(?: - .*)?$", re.MULTILINE)
_LATE = re.compile(r"Timeout|monotonic|perf_counter|\bin time\b")
"""What the output of a test has that may have failed because it was late."""


class Verdict(StrEnum):
    """What became of a mutant.

    ``NOTICED``: a test failed or never ended. ``LIVED``: all tests passed. ``UNSEEN``: no test of this process runs the
    line. ``INVALID``: it is no program, so that it is no mutant: Python or the database does not take it. ``OPEN``:
    nothing can be said, because the time was over, or the code as it is was late as well.
    """

    NOTICED = "noticed"
    LIVED = "lived"
    UNSEEN = "unseen"
    INVALID = "invalid"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Found:
    """A verdict, and which test noticed: none where it never ended."""

    verdict: Verdict
    by: str = ""


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

    def tried(
        self, path: str, source: str, asked: Sequence[Asked], starter: Starter, environment: dict[str, str]
    ) -> Found:
        """Run tests with one file changed, one group after the other until a test of one notices.

        A test that was late may have been so for other work on the machine: it is asked once more, of the code as it
        is, and where it fails there as well, nothing is known.

        Args:
            path: The file, from the top of the repository.
            source: What stands in it.
            asked: The tests.
            starter: Has them run.
            environment: The environment to run them in.
        """
        if not any(each.tests for each in asked):
            return Found(Verdict.UNSEEN)
        if path.endswith(".py") and not _is_python(source):
            return Found(Verdict.INVALID)
        file = self.place / path
        original = file.read_text(encoding="utf-8")
        environment = environment | {"PYTHONPATH": str(self.place)}
        for each in (each for each in asked if each.tests):
            file.write_text(source, encoding="utf-8")
            try:
                found, late = self._run(each, starter, environment)
            finally:
                file.write_text(original, encoding="utf-8")
            if found.verdict is Verdict.NOTICED and late:
                again = Asked([found.by] if found.by else each.tests, each.seconds, each.until)
                found = found if self._run(again, starter, environment)[0].verdict is Verdict.LIVED else _OPEN
            if found.verdict is not Verdict.LIVED:
                return found
        return Found(Verdict.LIVED)

    def _run(self, asked: Asked, starter: Starter, environment: dict[str, str]) -> tuple[Found, bool]:
        """Return what tests say of the copy as it stands, and whether it was because one was late."""
        command = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *asked.tests[:MOST_TESTS]]
        own = 3 * asked.seconds + PATIENCE
        left = own if asked.until is None else asked.until - time.monotonic()
        run = starter.run(command, self.place, environment, min(own, left))
        if run is None:
            return (Found(Verdict.NOTICED), True) if own <= left else (_OPEN, False)
        code, output = run
        if code == 0:
            return Found(Verdict.LIVED), False
        if "psycopg.errors.SyntaxError" in output and "upgrade" in output:
            return Found(Verdict.INVALID), False
        failed = FAILED.search(output)
        return Found(Verdict.NOTICED, failed[1] if failed else ""), bool(_LATE.search(output))


_OPEN = Found(Verdict.OPEN)


def _is_python(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True
