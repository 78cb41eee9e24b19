"""Code that stands twice is found under other names and in another layout, and reported once."""

from pathlib import Path

import pytest

from tools import duplicates

TOTAL = """
def total(orders):
    \"\"\"Add up what is paid.\"\"\"
    found = 0
    for order in orders:
        if order.paid and not order.cancelled:
            found += order.price * order.pieces
    return found
"""
THE_SAME = """
class Basket:
    def sum(self, lines):
        result = 0
        for line in lines:
            if (
                line.paid  # in full
                and not line.cancelled
            ):
                result += line.price * line.pieces
        return result
"""
ANOTHER = THE_SAME.replace("not line.cancelled", "line.cancelled")


@pytest.mark.parametrize(("second", "found"), [(THE_SAME, 1), (ANOTHER, 0), ("", 0)])
def test_the_same_statements_are_found_and_others_are_not(
    tmp_path: Path, second: str, found: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "first.py").write_text(TOTAL)
    (tmp_path / "second.py").write_text(second)

    assert duplicates.main([tmp_path]) == found
    assert capsys.readouterr().out.count("stands twice") == found


def test_the_same_statements_in_one_module_are_found(tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(TOTAL + THE_SAME)

    assert duplicates.main([tmp_path]) == 1
