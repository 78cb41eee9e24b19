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
    for name in ("code.py", "code/a.py", "tests/test_a.py", "tests/test_b.py", "tests/shared.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def state(repository: Path) -> State:
    return State.of(repository, ("code", "code.py", "tests"))


@pytest.mark.parametrize(
    ("changed", "forgotten"),
    [
        ("code.py", {NOTICED.key, LIVED.key}),
        ("tests/test_a.py", {NOTICED.key, LIVED.key}),
        ("tests/test_b.py", {LIVED.key}),
        ("tests/shared.py", {LIVED.key}),
        ("code/a.py", {LIVED.key}),
    ],
)
def test_a_verdict_holds_as_long_as_the_file_and_the_test_that_noticed_and_any_other_as_long_as_all_is_the_same(
    repository: Path, tmp_path: Path, changed: str, forgotten: set[str]
) -> None:
    place = tmp_path / "verdicts"
    kept = Kept(place, state(repository))
    kept.add(NOTICED, Found(Verdict.NOTICED, "tests/test_a.py::test"))
    kept.add(LIVED, Found(Verdict.LIVED))
    assert kept.verdicts() == {NOTICED.key: Verdict.NOTICED, LIVED.key: Verdict.LIVED}

    (repository / changed).write_text("other")

    assert {NOTICED.key, LIVED.key} - set(Kept(place, state(repository)).verdicts()) == forgotten


def test_tests_are_told_from_what_they_share(repository: Path) -> None:
    assert sorted(state(repository).tests) == ["tests/test_a.py", "tests/test_b.py"]


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
