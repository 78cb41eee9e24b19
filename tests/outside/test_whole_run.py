"""A run of a part of the outside tests doesn't pass for the whole."""

import subprocess
import sys

import pytest

from tests.system.processes import REPOSITORY

STATUSES = "tests/outside/test_statuses.py"
SAID = "only a part of tests/outside was run"


def run_pytest(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run some of the tests in a process of their own."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize(
    ("arguments", "left_out"),
    [
        ([STATUSES], "test_attack.py"),
        (["tests/outside", "-k", "documented_status"], "test_attack.py"),
        ([f"{STATUSES}::test_no_undocumented_status_was_seen"], "test_statuses.py"),
    ],
)
def test_the_judgement_on_a_part_is_refused(arguments: list[str], left_out: str) -> None:
    done = run_pytest(*arguments)

    assert done.returncode == 1
    assert "This judges a whole run of tests/outside" in done.stdout
    assert left_out in done.stdout.partition(SAID)[2]


def test_a_part_without_the_judgement_says_so() -> None:
    done = run_pytest("tests/outside/test_mock.py", "--collect-only")

    assert SAID in done.stdout
    assert "test_statuses.py" in done.stdout.partition(SAID)[2]


def test_the_judgement_comes_last_in_a_whole_run_and_nothing_is_left_out() -> None:
    done = run_pytest("tests/outside", "--collect-only", "--quiet")

    tests = [line for line in done.stdout.splitlines() if "::" in line]
    assert done.returncode == 0, done.stdout
    assert [test.startswith(STATUSES) for test in tests[-3:]] == [False, True, True]
    assert SAID not in done.stdout
