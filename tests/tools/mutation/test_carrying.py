"""Lines of a file that has changed: what was known of them is known of those that are still there."""

from tools.mutation.carrying import carried

BEFORE = ["import a", "", "def one():", "    return 1", "", "def two():", "    return 2"]
ONE, TWO, IMPORT = frozenset({"one"}), frozenset({"two"}), frozenset({""})
KNOWN = {1: IMPORT, 3: IMPORT, 4: ONE, 6: IMPORT, 7: TWO}


def test_lines_that_moved_are_known() -> None:
    now = ["import a", "import b", "", *BEFORE[2:]]

    known = carried(KNOWN, BEFORE, now)

    assert [known[line] for line in (1, 4, 5, 7, 8)] == [IMPORT, IMPORT, ONE, IMPORT, TWO]


def test_a_line_that_was_changed_is_shown_to_the_tests_of_what_was_there() -> None:
    now = [*BEFORE[:3], "    return 3", *BEFORE[4:]]

    assert carried(KNOWN, BEFORE, now)[4] == ONE


def test_a_line_that_is_new_is_shown_to_all_tests_of_the_file() -> None:
    now = [*BEFORE, "", "def three():", "    return 3"]

    assert carried(KNOWN, BEFORE, now)[10] == ONE | TWO | IMPORT


def test_nothing_is_known_of_lines_that_are_gone() -> None:
    known = carried(KNOWN, BEFORE, BEFORE[:4])

    assert known == {1: IMPORT, 3: IMPORT, 4: ONE}
    assert carried(KNOWN, BEFORE, []) == {}
