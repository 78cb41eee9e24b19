"""A test's kind is known, for it is held to what it says: those that start processes bear the mark."""

import subprocess

import pytest

from tests.kinds import UnmarkedProcess


def test_one_that_says_nothing_starts_no_program() -> None:
    with pytest.raises(UnmarkedProcess, match="starts true: give it the mark 'process'"):
        subprocess.run(["/usr/bin/env", "true"], executable="/bin/true", check=True)


@pytest.mark.process
def test_one_that_says_so_starts_any_program() -> None:
    assert subprocess.run(["/usr/bin/env", "true"], check=True).returncode == 0


def test_everybody_starts_the_programs_of_postgresql() -> None:
    assert subprocess.run(["/bin/sh", "-c", "exit 0"], check=True).returncode == 0
