"""Trials: what a test notices, what it doesn't, and what hangs."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tools.mutation import covering, trial
from tools.mutation.changes import changes
from tools.mutation.mutants import EQUIVALENT, FROM_OUTSIDE, LEFT_OUT, ROOMS, Mutant, Reasons, mutants, spread
from tools.mutation.starter import Starter
from tools.mutation.trial import Asked, Copy, Found, Verdict

REPOSITORY = Path(__file__).parents[3]
CODE = """def least(values):
    found = values[0]
    for value in values:
        if value < found:
            found = value
    return found
"""
ENDLESS = "__import__('threading').Event().wait()"
"""What never ends, and leaves the processor to others meanwhile."""
TEST = "from code_of import least\n\ndef test_least():\n    assert least([2, 1, 3]) == 1\n"


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    there = tmp_path / "there"
    there.mkdir()
    (there / "code_of.py").write_text(CODE)
    (there / "test_code.py").write_text(TEST)
    return Copy.of(there, tmp_path / "copy")


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    with Starter(tmp_path_factory.mktemp("starter")) as started:
        yield started


@pytest.mark.process
@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (CODE.replace("value < found", "value >= found"), Verdict.NOTICED),
        (CODE.replace("value < found", "value <= found"), Verdict.LIVED),
        (CODE.replace("found = values[0]", ENDLESS), Verdict.NOTICED),
        (CODE.replace("least(", "least)"), Verdict.INVALID),
    ],
    ids=["another result", "the same result", "no end", "no program"],
)
def test_a_mutant_is_noticed_by_a_test_that_fails_or_never_ends(
    copy: Copy, starter: Starter, monkeypatch: pytest.MonkeyPatch, source: str, verdict: Verdict
) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 20.0 if ENDLESS in source else 60.0)

    found = copy.tried("code_of.py", source, [Asked(["test_code.py::test_least"], 0.0)], starter, dict(os.environ))

    assert found.verdict is verdict
    assert (copy.place / "code_of.py").read_text() == CODE


@pytest.mark.process
def test_a_mutant_that_no_test_runs_is_unseen(copy: Copy, starter: Starter) -> None:
    assert copy.tried("code_of.py", CODE, [Asked([], 0.0)], starter, dict(os.environ)).verdict is Verdict.UNSEEN


@pytest.mark.process
def test_tests_from_outside_are_asked_last_and_nothing_is_said_of_a_mutant_whose_time_is_over(
    copy: Copy, starter: Starter
) -> None:
    fault = CODE.replace("value < found", "value >= found")
    inside, outside = Asked([], 0.0), Asked(["test_code.py"], 60.0)
    over = Asked(["test_code.py"], 60.0, until=time.monotonic())

    noticed = copy.tried("code_of.py", fault, [inside, outside], starter, dict(os.environ))

    assert noticed == Found(Verdict.NOTICED, "test_code.py::test_least")
    assert copy.tried("code_of.py", fault, [over], starter, dict(os.environ)).verdict is Verdict.OPEN


LATE = """import os
from code_of import least

def test_least():
    if least([2, 1, 3]) != 1 or "ALWAYS_LATE" in os.environ:
        raise TimeoutError
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, Found(Verdict.NOTICED, "test_late.py::test_least")), ({"ALWAYS_LATE": "1"}, Found(Verdict.OPEN))],
    ids=["late with it alone", "late without it as well"],
)
def test_a_test_that_is_late_is_a_proof_where_it_passes_without_the_mutant(
    copy: Copy, starter: Starter, environment: dict[str, str], expected: Found
) -> None:
    (copy.place / "test_late.py").write_text(LATE)
    fault = CODE.replace("value < found", "value >= found")

    found = copy.tried("code_of.py", fault, [Asked(["test_late.py"], 60.0)], starter, os.environ | environment)

    assert found == expected


@pytest.fixture(scope="module")
def made() -> list[Mutant]:
    """Every mutant that there is."""
    return list(mutants(REPOSITORY))


def test_a_file_belongs_to_the_room_that_names_it_most_closely(made: list[Mutant]) -> None:
    rooms = {mutant.path: mutant.room for mutant in made}

    assert rooms["automation/storage/events.py"] == "automation/storage"
    assert rooms["automation/storage/migrations/sql/count_use_v1.sql"] == "automation/storage/migrations/sql"
    assert not [path for path in rooms if path.startswith(LEFT_OUT)]


def test_every_beginning_of_the_order_has_of_each_room_by_its_size(made: list[Mutant]) -> None:
    sizes = Counter(mutant.room for mutant in made)

    order = spread(made, Random(7))  # noqa: S311 - repeatable on purpose

    begun = Counter(mutant.room for mutant in order[: len(order) // 10])
    assert len(order) == len(made)
    assert set(order) == set(made)
    assert len({mutant.key for mutant in made}) == len(made)
    assert all(abs(begun[room] - size / 10) <= 2 for room, size in sizes.items())
    assert order == spread(made, Random(7))  # noqa: S311 - repeatable on purpose


def test_every_reason_belongs_to_a_mutant_and_every_part_is_there(made: list[Mutant]) -> None:
    assert Reasons.read(REPOSITORY).unused(made) == [], f"{EQUIVALENT}: the code has changed since"
    assert {mutant.room for mutant in made} == set(ROOMS)
    assert all((REPOSITORY / tests).exists() for each in (ROOMS | FROM_OUTSIDE).values() for tests in each)
    assert {place for place in FROM_OUTSIDE if any(mutant.path.startswith(place) for mutant in made)} == set(
        FROM_OUTSIDE
    )


def test_a_changed_line_is_asked_of_the_tests_that_run_it_the_quickest_first() -> None:
    lines = {1: frozenset({""}), 2: frozenset({"slow", "quick", ""}), 3: frozenset({"slow"})}
    known = covering.Covering({"a.py": lines}, {"slow": 2.0, "quick": 0.1})

    assert known.of("a.py", 2, 2) == ["quick", "slow"]
    assert known.of("a.py", 3, 3) == ["slow"]
    assert known.of("a.py", 1, 1) == ["quick", "slow"]  # an import: whoever uses the module
    assert known.of("a.py", 4, 9) == []
    assert known.of("b.py", 1, 1) == []


def test_every_function_of_the_database_is_used_by_a_line_of_a_function() -> None:
    functions = [path.stem for path in (REPOSITORY / "automation/storage/migrations/sql").glob("*.sql")]

    assert [name for name in functions if not covering.uses(REPOSITORY, name)] == []
    # Statements that stand in one module and are used in another, that are parts of others, and that SQLAlchemy makes.
    assert "automation/storage/executions.py" in {path for path, _ in covering.uses(REPOSITORY, "cancel_execution_v1")}
    assert "automation/storage/accounts/accounts.py" in {
        path for path, _ in covering.uses(REPOSITORY, "tenant_usage_v1")
    }


def test_what_was_measured_of_a_file_of_tests_is_replaced_and_the_rest_kept() -> None:
    before = {1: frozenset({"tests/test_a.py::one", "tests/test_b.py::two", ""})}
    known = covering.Covering({"a.py": before}, {"tests/test_a.py::one": 1.0})
    lines = {"a.py": {1: frozenset({"tests/test_a.py::new"})}, "b.py": {2: frozenset({"x"})}}
    more = covering.Covering(lines, {"x": 2})

    found = known.without({"tests/test_a.py"}).joined(more)

    assert found.lines["a.py"][1] == {"tests/test_a.py::new", "tests/test_b.py::two", ""}
    assert found.lines["b.py"][2] == {"x"}
    assert found.took == {"tests/test_a.py::one": 1.0, "x": 2}


def test_a_function_of_the_database_is_asked_of_the_tests_of_its_callers() -> None:
    storage = REPOSITORY / "automation/storage/keys.py"
    source = storage.read_text(encoding="utf-8")
    line = next(at for at, text in enumerate(source.splitlines(), 1) if "fetch_one(_COUNT" in text)
    known = covering.Covering({"automation/storage/keys.py": {line: frozenset({"test_of_counting"})}}, {})

    assert known.of_function(REPOSITORY, "resolve_api_key_v1") == ["test_of_counting"]
    assert known.of_function(REPOSITORY, "claim_execution_v1") == []


def test_changes_of_a_real_module_can_all_be_read() -> None:
    source = (REPOSITORY / "security/key_cache.py").read_text(encoding="utf-8")

    made = changes(source)

    assert len(made) > 40
    assert len({change.applied(source) for change in made}) == len(made)
    for change in made:
        compile(change.applied(source), "mutant", "exec")
