"""Kinds of tests: those that start processes, which ``make test-fast`` leaves out, and those that take long.

A test that starts a program, itself or by a fixture, has the mark ``process``; all tests below some directories have
it. One that has not is stopped when it starts one, so that the mark is never forgotten. PostgreSQL's own programs are
free: databases are everywhere.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_HERE = Path(__file__).parent

MARK = "process"
DIRECTORIES = (_HERE / "outside", _HERE / "system", _HERE / "storage" / "embedded")
"""Where every test needs a running service, or a PostgreSQL server of its own."""

FREE = frozenset({"initdb", "pg_ctl", "postgres", "sh", "useradd", "userdel"})
"""The programs of the embedded PostgreSQL; its account is made, and asks ``sh`` which directories it can enter."""


class _Running:
    """The test that this process runs at the moment, where it isn't marked."""

    unmarked: str | None = None


class UnmarkedProcess(Exception):
    """A test has started a process, and doesn't say so."""


def mark(item: pytest.Item) -> None:
    """Mark a test that is in one of the directories."""
    if any(item.path.is_relative_to(directory) for directory in DIRECTORIES):
        item.add_marker(MARK)


def slowest_first(items: list[pytest.Item]) -> None:
    """Put the tests with a deadline of their own first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@contextmanager
def of(item: pytest.Item) -> Iterator[None]:
    """Run a test, with all its fixtures."""
    _Running.unmarked = None if item.get_closest_marker(MARK) else item.nodeid
    try:
        yield
    finally:
        _Running.unmarked = None


def watch() -> None:
    """Look at every program that this process starts from now on."""
    sys.addaudithook(_judge)


def _judge(event: str, arguments: tuple[object, ...]) -> None:
    if event != "subprocess.Popen" or _Running.unmarked is None:
        return
    program = Path(str(arguments[0])).name
    if program not in FREE:
        raise UnmarkedProcess(f"{_Running.unmarked} starts {program}: give it the mark {MARK!r}")
