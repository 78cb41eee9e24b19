"""Kinds of tests: those that need a database, those that start other processes, and those that take long.

A test that starts a program, itself or by a fixture, has the mark ``process``; all tests below some directories have
it. Any other that asks for the run's PostgreSQL, itself or by a fixture, is given the mark ``database``, and starts
that server's programs at most. One with neither is stopped when it starts a program, so that no mark is ever
forgotten: these are the tests of ``make test-fast``.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_HERE = Path(__file__).parent

PROCESS = "process"
DATABASE = "database"
CLUSTER = "cluster"
"""The fixture by which a test asks for the run's PostgreSQL."""

DIRECTORIES = (_HERE / "outside", _HERE / "system", _HERE / "storage" / "embedded")
"""Where every test needs a running service, or a PostgreSQL server of its own."""

POSTGRESQL = frozenset({"initdb", "postgres", "sh", "useradd", "userdel"})
"""The programs of the embedded PostgreSQL; its account is made, and asks ``sh`` which directories it can enter."""

FREE = frozenset({"pg_ctl"})
"""What any test may start: the last one ends the run's server, whatever it is."""


class _Running:
    """The test that this process runs at the moment, where it may not start every program."""

    bound: str | None = None
    free: frozenset[str] = FREE


class UnmarkedProcess(Exception):
    """A test has started a process, and doesn't say so."""


def mark(item: pytest.Item) -> None:
    """Mark a test that is in one of the directories, and any other that has a database."""
    if any(item.path.is_relative_to(directory) for directory in DIRECTORIES):
        item.add_marker(PROCESS)
    if not item.get_closest_marker(PROCESS) and CLUSTER in getattr(item, "fixturenames", ()):
        item.add_marker(DATABASE)


def slowest_first(items: list[pytest.Item]) -> None:
    """Put the tests with a deadline of their own first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@contextmanager
def of(item: pytest.Item) -> Iterator[None]:
    """Run a test, with all its fixtures."""
    _Running.bound = None if item.get_closest_marker(PROCESS) else item.nodeid
    _Running.free = FREE | POSTGRESQL if item.get_closest_marker(DATABASE) else FREE
    try:
        yield
    finally:
        _Running.bound = None


def watch() -> None:
    """Look at every program that this process starts from now on."""
    sys.addaudithook(_judge)


def _judge(event: str, arguments: tuple[object, ...]) -> None:
    if event != "subprocess.Popen" or _Running.bound is None:
        return
    program = Path(str(arguments[0])).name
    if program not in _Running.free:
        raise UnmarkedProcess(f"{_Running.bound} starts {program}: give it the mark {PROCESS!r}")
