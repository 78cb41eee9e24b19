"""The run's server has its data in memory, and what a killed run left there is found."""

import fcntl
from pathlib import Path

import pytest

from tests import memory
from tests.databases import is_alive


@pytest.fixture
def file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file system in memory, as far as the test goes."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(memory, "FILE_SYSTEM", place)
    monkeypatch.setattr(memory, "ENOUGH_BYTES", 1)
    return place


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run, with the files in which its processes say that they are there."""
    place = tmp_path / "run"
    place.mkdir()
    (place / "lock").touch()
    (place / "users").touch()
    return place


def test_a_run_has_one_place_until_it_is_given_back(file_system: Path, run: Path) -> None:
    provided = [memory.provide(run), memory.provide(run)]
    there = [*file_system.iterdir()]
    memory.give_back(run)

    assert provided == [True, True]
    assert there == [memory.place_of(run)]
    assert [*file_system.iterdir()] == []


def test_where_there_is_little_memory_there_is_no_place(
    file_system: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ENOUGH_BYTES", 1 << 62)

    assert not memory.provide(run)
    assert [*file_system.iterdir()] == []


def test_a_system_without_memory_as_a_directory_has_no_place(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "FILE_SYSTEM", tmp_path / "nowhere")

    assert not memory.provide(run)
    assert [*memory.runs()] == []


@pytest.mark.usefixtures("file_system")
def test_a_run_is_alive_as_long_as_a_process_of_it_holds_its_server(run: Path) -> None:
    memory.provide(run)

    with (run / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        alive = [is_alive(each) for each in memory.runs()]
    dead = [is_alive(each) for each in memory.runs()]

    assert (alive, dead) == ([True], [False])


def test_a_run_whose_directory_is_gone_is_not_alive(tmp_path: Path) -> None:
    assert not is_alive(tmp_path / "gone")
