"""A cluster is removed by itself only when every data directory that has used it is proved to be gone."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from automation.storage.embedded import belonging
from automation.storage.embedded.leftovers import Outcome
from tests.storage.embedded.companions import placed_cluster, prune

pytestmark = pytest.mark.usefixtures("as_root", "system_directory")

ODD = {
    "nothing": "",
    "a list": "[]",
    "a number": "1",
    "no document": "\xff",
    "too deep": "[" * 60_000,
    "no path": '{"data_directory": 1, "witness": 1}',
    "a relative path": '{"data_directory": "data", "witness": 1}',
    "a NUL": '{"data_directory": "/data\\u0000", "witness": 1}',
    "no character": '{"data_directory": "/data\\ud800", "witness": 1}',
}


@pytest.fixture
def another_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the data directories on another file system than the clusters, as the kernel would tell it."""

    def crossing(path: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(target), None, str(path))

    monkeypatch.setattr(Path, "hardlink_to", crossing)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where a data directory is to be made."""
    return tmp_path / "hidden" / "data"


def outcomes(*, unclaimed: bool = False) -> list[tuple[Path, Outcome]]:
    """Prune, and return what became of what."""
    return [(one.path, one.outcome) for one in prune(unclaimed=unclaimed)]


@pytest.mark.usefixtures("another_file_system")
def test_a_data_directory_that_was_moved_within_another_file_system_keeps_its_cluster(
    directory: Path, tmp_path: Path
) -> None:
    home = placed_cluster(directory)
    (tmp_path / "y" / "deep").mkdir(parents=True)
    directory.rename(tmp_path / "y" / "deep" / "data")

    found = prune()

    assert [(one.path, one.outcome) for one in found] == [(home, Outcome.KEPT)]
    assert f"nobody can tell whether its data directory {directory} was removed or moved" in found[0].reason


@pytest.mark.usefixtures("another_file_system")
def test_a_cluster_that_can_not_be_proved_to_be_left_is_removed_when_that_is_asked_for(directory: Path) -> None:
    home = placed_cluster(directory)
    shutil.rmtree(directory)

    assert outcomes() == [(home, Outcome.KEPT)]
    assert outcomes(unclaimed=True) == [(home, Outcome.REMOVED)]


@pytest.mark.usefixtures("another_file_system")
def test_another_disk_at_the_same_place_says_nothing_of_the_first_one(directory: Path) -> None:
    home = placed_cluster(directory)
    shutil.rmtree(directory)
    directory.mkdir()
    (directory / "of another disk").touch()

    assert outcomes() == [(home, Outcome.KEPT)]


def test_a_copy_that_was_used_keeps_the_cluster_when_the_first_data_directory_is_removed(
    directory: Path, tmp_path: Path
) -> None:
    home = placed_cluster(directory)
    copy = copied(directory, tmp_path / "b2" / "deep" / "data")
    belonging.confirm(home, copy)
    shutil.rmtree(directory)

    assert outcomes(unclaimed=True) == []
    assert home.exists()


def test_a_cluster_is_removed_when_all_that_used_it_are_gone(directory: Path, tmp_path: Path) -> None:
    home = placed_cluster(directory)
    copy = copied(directory, tmp_path / "b2" / "deep" / "data")
    belonging.confirm(home, copy)
    shutil.rmtree(directory)
    shutil.rmtree(copy)

    assert outcomes() == [(home, Outcome.REMOVED)]


def test_a_copy_on_another_file_system_that_was_used_keeps_the_cluster(
    directory: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    home = placed_cluster(directory)
    copy = copied(directory, tmp_path / "b2" / "deep" / "data")
    request.getfixturevalue("another_file_system")
    belonging.confirm(home, copy)
    shutil.rmtree(directory)
    shutil.rmtree(copy)

    assert outcomes() == [(home, Outcome.KEPT)]


def test_a_data_directory_of_two_clusters_keeps_both(directory: Path) -> None:
    first = placed_cluster(directory)
    (directory / "postgres").rename(directory / "aside")
    second = placed_cluster(directory)

    assert outcomes() == []
    assert first.exists()
    assert second.exists()


def test_a_home_that_was_restored_from_a_copy_is_kept_though_its_records_have_one_name(directory: Path) -> None:
    home = placed_cluster(directory)
    shutil.copytree(home, home.with_name("restored"))
    shutil.rmtree(home)
    shutil.rmtree(directory)

    assert outcomes() == [(home.with_name("restored"), Outcome.KEPT)]


def test_starts_from_one_data_directory_leave_one_record_wherever_it_is_moved(directory: Path, tmp_path: Path) -> None:
    home = placed_cluster(directory)
    for place in ("here", "there", "here"):
        directory = directory.rename(tmp_path / place)
        belonging.confirm(home, directory)
        belonging.confirm(home, directory)

    known = belonging.read(home)

    assert known is not None
    assert [record.data_directory for record in known.records] == [tmp_path / "here"]
    assert known.standing() is belonging.Standing.USED


@pytest.mark.usefixtures("another_file_system")
def test_starts_from_another_file_system_leave_one_record(directory: Path) -> None:
    home = placed_cluster(directory)
    belonging.confirm(home, directory)

    known = belonging.read(home)

    assert known is not None
    assert [record.data_directory for record in known.records] == [directory]


def test_links_that_lead_in_a_circle_end_no_prune(directory: Path) -> None:
    home = placed_cluster(directory)
    shutil.rmtree(directory)
    directory.symlink_to(directory)
    neighbour = directory.with_name("neighbour")
    neighbour.mkdir()
    (neighbour / "postgres").symlink_to("postgres")

    assert outcomes() == [(home, Outcome.REMOVED)]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_a_record_that_can_not_be_understood_keeps_its_cluster(
    directory: Path, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = placed_cluster(directory)
    (record,) = (home / belonging.RECORDS).iterdir()
    record.write_text(text.replace('"witness": 1', f'"witness": {record.stat().st_ino}'), encoding="latin-1")
    shutil.rmtree(directory)
    monkeypatch.chdir(tmp_path)

    found = prune()

    assert [(one.path, one.outcome) for one in found] == [(home, Outcome.KEPT)]
    assert f"its record {record.name} can't be read" in found[0].reason


def test_a_record_says_which_file_it_is(directory: Path) -> None:
    home = placed_cluster(directory)
    (record,) = (home / belonging.RECORDS).iterdir()

    assert json.loads(record.read_text()) == {"data_directory": str(directory), "witness": record.stat().st_ino}


def copied(directory: Path, copy: Path) -> Path:
    """Copy a data directory with its links, as ``cp -a`` does."""
    return shutil.copytree(directory, copy, symlinks=True)
