"""The demo's log: what goes into the file, what is shown, and how long it gets."""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from automation.demo import log
from automation.demo.log import logging_to


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_written_to_standard_error_is_appended_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "demo.log"
    path.write_text("of an earlier run\n")

    with logging_to(path, shown=False) as stream:
        sys.stderr.write("of this run\n")
    stream.close()

    assert path.read_text() == "of an earlier run\nof this run\n"


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    former, fresh = tmp_path / "former.log", tmp_path / "fresh.log"
    former.touch(0o644)

    for path in (former, fresh):
        with logging_to(path, shown=False) as stream:
            pass
        stream.close()

    assert [path.stat().st_mode & 0o777 for path in (former, fresh)] == [0o600, 0o600]


def test_the_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "demo.log").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match=r"demo\.log"), logging_to(tmp_path / "demo.log", shown=False):
        pass

    assert not (tmp_path / "elsewhere").exists()


def test_new_lines_are_shown_on_request_whoever_wrote_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    path = tmp_path / "demo.log"
    path.write_text("of an earlier run\n")
    monkeypatch.setattr(sys, "stderr", terminal)

    with logging_to(path, shown=True) as stream:
        sys.stderr.write("the service's\n")
        with path.open("a") as other:
            other.write("the worker's\n")
    stream.close()

    assert terminal.getvalue() == "the service's\nthe worker's\n"


def test_a_long_file_begins_anew_and_its_lines_stay_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LONGEST", 1000)
    path, former = tmp_path / "demo.log", tmp_path / "demo.log.1"
    former.write_text("older still")

    with logging_to(path, shown=False) as stream:
        stream.write("x" * 1000 + "\n")
        wait_until(lambda: path.stat().st_size == 0)
        stream.write("the next\n")
    stream.close()

    assert path.read_text() == "the next\n"
    assert former.read_text() == "x" * 1000 + "\n"
    assert former.stat().st_mode & 0o777 == 0o600
