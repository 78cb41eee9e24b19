"""Measurements of which tests run which lines: kept for the files as they are, part by part."""

from pathlib import Path

from tools.mutation import covering
from tools.mutation.covering import Covering

A, B = "tests/test_a.py", "tests/test_b.py"
ONE = Covering({"code.py": {1: frozenset({""}), 2: frozenset({f"{A}::one"})}}, {f"{A}::one": 0.1}, {A: "1"})
OTHER = Covering({"code.py": {2: frozenset({f"{B}::other"})}}, {f"{B}::other": 0.2}, {B: "2"})


def test_what_was_measured_in_parts_is_known_together_and_forgotten_by_file() -> None:
    both = ONE.joined(OTHER)

    assert both.of("code.py", 2, 2) == [f"{A}::one", f"{B}::other"]
    assert both.files == {A: "1", B: "2"}
    assert both.without({A}).of("code.py", 2, 2) == [f"{B}::other"]
    assert both.without({A}).files == {B: "2"}


def test_lines_that_run_at_import_alone_are_shown_to_all_tests_of_the_file() -> None:
    assert ONE.at_import("code.py", 1, 1)
    assert not ONE.at_import("code.py", 1, 2)
    assert not ONE.at_import("code.py", 7, 7)
    assert ONE.of("code.py", 1, 1) == [f"{A}::one"]


def test_what_is_kept_is_known_again_also_where_its_lines_have_moved(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("import a\ndo()\n")
    covering.keep(ONE, tmp_path, tmp_path)
    assert covering.kept(tmp_path, tmp_path) == ONE

    (tmp_path / "code.py").write_text("import a\n\n\ndo()\n")

    moved = covering.kept(tmp_path, tmp_path)
    assert moved is not None
    assert moved.of("code.py", 4, 4) == [f"{A}::one"]


def test_tests_and_whole_modules_take_what_they_took() -> None:
    both = ONE.joined(OTHER)

    assert both.seconds([f"{A}::one"]) == 0.1
    assert both.seconds([A, f"{B}::other"]) == 0.1 + 0.2
    assert both.seconds([f"{A}::unknown"]) == 0
