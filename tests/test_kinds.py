"""A test's kind is known, for it is held to what it says: those that start processes bear the mark."""

import subprocess

import pytest

from tests.databases import Cluster
from tests.kinds import UnmarkedProcess


def test_one_that_says_nothing_starts_no_program() -> None:
    with pytest.raises(UnmarkedProcess, match="starts true: give it the mark 'process'"):
        subprocess.run(["/usr/bin/env", "true"], executable="/bin/true", check=True)


@pytest.mark.process
def test_one_that_says_so_starts_any_program() -> None:
    assert subprocess.run(["/usr/bin/env", "true"], check=True).returncode == 0


def test_one_without_a_database_starts_no_program_of_postgresql() -> None:
    with pytest.raises(UnmarkedProcess, match="starts sh: give it the mark 'process'"):
        subprocess.run(["/bin/sh", "-c", "exit 0"], check=True)


def test_one_that_asks_for_a_database_has_the_mark_and_starts_the_programs_of_postgresql(
    cluster: Cluster, request: pytest.FixtureRequest
) -> None:
    assert cluster

    marks = {mark.name for mark in request.node.iter_markers()}

    assert "database" in marks
    assert subprocess.run(["/bin/sh", "-c", "exit 0"], check=True).returncode == 0


@pytest.mark.process
def test_one_that_starts_processes_has_one_mark_whatever_it_asks_for(
    cluster: Cluster, request: pytest.FixtureRequest
) -> None:
    assert cluster

    marks = {mark.name for mark in request.node.iter_markers()}

    assert marks == {"process"}
