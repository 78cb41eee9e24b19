"""Names that nothing uses are found, and a handler is used by the contract."""

from pathlib import Path

import pytest

from tools import unused

PYPROJECT = """
[tool.vulture]
paths = ["room"]
ignore_names = ["called_by_name"]
"""
MODULE = """
def get_automation_execution() -> None: ...
def called_by_name() -> None: ...
def called() -> None: ...
called()
"""


@pytest.fixture
def pyproject(tmp_path: Path) -> Path:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "module.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path / "pyproject.toml"


def test_nothing_is_found_where_everything_is_used(pyproject: Path) -> None:
    assert unused.main(pyproject) == 0


def test_a_name_that_nothing_uses_is_found(pyproject: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (pyproject.parent / "room" / "module.py").open("a") as module:
        module.write("def forgotten() -> None: ...\n")

    assert unused.main(pyproject) != 0
    assert "unused function 'forgotten'" in capsys.readouterr().out
