"""Order of the tests that a mutant is shown to: those of its own room first, and those that noticed its like."""

from pathlib import Path

import pytest

from automation.storage.migrations import functions
from tools.mutation.nearness import MOST_NEAR, callers, importers, near

OWN = "tests/storage/test_keys.py::a"
FURTHER = "tests/storage/test_keys_of_old.py::b"
OTHER = "tests/service/test_x.py::c"


@pytest.mark.parametrize(
    ("path", "noticed", "expected"),
    [
        ("automation/storage/keys.py", [], [OWN, FURTHER]),
        ("automation/storage/rules.py", [], []),
        ("automation/storage/rules.py", ["tests/service/test_x.py"], [OTHER]),
        ("automation/storage/keys.py", ["tests/service/test_x.py"], []),
    ],
    ids=["the mirror's", "nobody", "who noticed another", "all, which are asked at once"],
)
def test_those_are_asked_first_that_mirror_the_file_or_noticed_another_mutant_of_it(
    path: str, noticed: list[str], expected: list[str]
) -> None:
    assert near(path, [OTHER, OWN, FURTHER], noticed) == expected


def test_no_more_are_asked_first_than_start_soon() -> None:
    own = [f"tests/security/test_scheme.py::{number}" for number in range(MOST_NEAR + 5)]

    assert near("security/scheme.py", [*own, OTHER], []) == own[:MOST_NEAR]


def test_constants_are_shown_to_the_modules_of_the_room_that_import_their_file(tmp_path: Path) -> None:
    room = tmp_path / "tests" / "security"
    room.mkdir(parents=True)
    for name, text in {
        "test_one.py": "from security import freshness, key_usage\n",
        "test_two.py": "from security.key_usage import KeyUsage\n",
        "test_three.py": "from security.key_usages import KeyUsage\n",
        "test_four.py": "from security import (\n    freshness,\n    key_usage,\n)\n",
        "test_five.py": "from security import (\n    freshness,\n)\nimport key_usage\n",
        "other.py": "from security import key_usage\n",
    }.items():
        (room / name).write_text(text)

    found = importers(tmp_path, "security/key_usage.py")

    assert found == [f"tests/security/test_{name}.py" for name in ("four", "one", "two")]


def test_a_function_of_the_database_is_shown_to_the_modules_that_call_it_by_statements_of_their_own(
    tmp_path: Path,
) -> None:
    room = tmp_path / "tests" / "storage"
    room.mkdir(parents=True)
    (room / "test_one.py").write_text('QUERY = "SELECT used_v1(1)"')
    (room / "test_two.py").write_text('QUERY = "SELECT overused_v1(1)"')

    assert callers(tmp_path, "used_v1") == ["tests/storage/test_one.py"]


def test_a_function_that_triggers_run_is_named_by_the_module_that_tests_it() -> None:
    """No statement names it, which would tell whose tests run it."""
    repository = Path(__file__).parents[3]
    texts = {path.stem: path.read_text() for path in functions.DIRECTORY.glob("*.sql")}
    run_by_triggers = [name for name, text in texts.items() if "RETURNS trigger" in text]

    assert run_by_triggers
    assert [name for name in run_by_triggers if not callers(repository, name)] == []
