"""A copy of the checkout lacks what must not be deleted with it in the end."""

from pathlib import Path

from tests.docs.checkout import left_out


def test_data_is_not_copied_whatever_its_directory_is_called(tmp_path: Path) -> None:
    for name in (".data", ".data-bench", "elsewhere", "docs", ".venv"):
        (tmp_path / name).mkdir()
    (tmp_path / ".data" / "postgres").mkdir()
    (tmp_path / ".data-bench" / "postgres").symlink_to("/var/lib/somewhere/that/is/gone")
    (tmp_path / "elsewhere" / "postgres").symlink_to(tmp_path)

    found = left_out(str(tmp_path), sorted(path.name for path in tmp_path.iterdir()))

    assert found == {".data", ".data-bench", "elsewhere", ".venv"}
