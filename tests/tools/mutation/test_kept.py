"""Verdicts that are kept: each for as long as what it rests on is the same."""

from pathlib import Path

import pytest

from tools.mutation.changes import Change
from tools.mutation.kept import Kept, State
from tools.mutation.mutants import Mutant
from tools.mutation.trial import Found, Verdict

NOTICED = Mutant("room", "code.py", "a", Change(1, 1, 0, 1, "b"), "a -> b")
LIVED = Mutant("room", "code.py", "a", Change(2, 2, 4, 5, "c"), "a -> c")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("code/a.py", "tests/test_a.py", "tests/test_b.py", "tests/shared.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def state(repository: Path) -> State:
    return State.of(repository, ("code", "tests"))


@pytest.mark.parametrize("changed", ["code/a.py", "tests/shared.py"])
def test_code_and_what_tests_share_are_one_state_whatever_single_tests_say(repository: Path, changed: str) -> None:
    before = state(repository)
    (repository / "tests/test_a.py").write_text("other")

    assert state(repository).code == before.code
    assert state(repository).tests != before.tests

    (repository / changed).write_text("other")

    assert state(repository).code != before.code


def test_a_verdict_is_forgotten_with_the_tests_that_it_rests_on(repository: Path, tmp_path: Path) -> None:
    place = tmp_path / "verdicts"
    kept = Kept(place, state(repository))
    kept.add(NOTICED, Found(Verdict.NOTICED, "tests/test_a.py::test"))
    kept.add(LIVED, Found(Verdict.LIVED))
    assert kept.verdicts() == {NOTICED.key: Verdict.NOTICED, LIVED.key: Verdict.LIVED}

    (repository / "tests/test_b.py").write_text("other")
    assert Kept(place, state(repository)).verdicts() == {NOTICED.key: Verdict.NOTICED}

    (repository / "tests/test_a.py").write_text("other")
    assert Kept(place, state(repository)).verdicts() == {}


def test_what_nothing_is_known_of_is_not_kept(repository: Path, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "verdicts", state(repository))

    kept.add(LIVED, Found(Verdict.OPEN))

    assert kept.verdicts() == {}


def test_which_modules_noticed_mutants_of_a_file_is_known_as_long_as_the_code_is_the_same(
    repository: Path, tmp_path: Path
) -> None:
    kept = Kept(tmp_path / "verdicts", state(repository))
    assert kept.noticed() == {}

    kept.add(NOTICED, Found(Verdict.NOTICED, "tests/test_a.py::test[1]"))
    kept.add(LIVED, Found(Verdict.LIVED))

    assert kept.noticed() == {"code.py": {"tests/test_a.py"}}
