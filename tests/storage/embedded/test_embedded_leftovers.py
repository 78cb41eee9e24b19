"""Files that killed processes and removed data directories leave behind are judged."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest

from automation.storage.embedded import EmbeddedServer, EmbeddedServerError, belonging, holds, leftovers, programs
from automation.storage.embedded.account import known_owners
from automation.storage.embedded.leftovers import Outcome
from tests.storage.embedded.companions import placed_cluster, prune

pytestmark = pytest.mark.usefixtures("as_root", "system_directory")

LONG_AGO = 4 * leftovers.BEGINNING


@pytest.fixture
def directory(tmp_path: Path, system_directory: Path) -> Path:
    """A data directory whose cluster, as far as a judge looks at its files, lies in the system directory."""
    made = tmp_path / "hidden" / "data"
    placed_cluster(made)
    return made


@pytest.fixture
def home(directory: Path) -> Path:
    """Where that cluster lies."""
    return (directory / "postgres").readlink()


def test_a_cluster_whose_data_directory_was_removed_is_removed(directory: Path, home: Path) -> None:
    shutil.rmtree(directory)

    found = prune()

    assert [(one.path, one.outcome) for one in found] == [(home, Outcome.REMOVED)]
    assert f"its data directory {directory} is gone" in found[0].reason
    assert not home.exists()


def test_a_dry_run_removes_nothing(directory: Path, home: Path) -> None:
    shutil.rmtree(directory)

    found = leftovers.prune(owners=known_owners(None), dry_run=True)

    assert [(one.path, one.outcome) for one in found] == [(home, Outcome.REMOVABLE)]
    assert (home / "data" / "PG_VERSION").exists()


def test_a_cluster_is_kept_while_its_data_directory_is_there(directory: Path, home: Path) -> None:
    assert prune() == []
    assert home.exists()
    assert directory.exists()


@pytest.mark.parametrize("linked", [True, False], ids=["moved", "copied"])
def test_a_data_directory_that_was_renamed_keeps_its_cluster(directory: Path, home: Path, *, linked: bool) -> None:
    if not linked:
        belonging.link_in(directory, home).unlink()
    aside = directory.parent.with_name("aside")
    directory.parent.rename(aside)

    found = prune()

    assert found == []
    assert home.exists()


def test_a_data_directory_that_nobody_can_see_keeps_its_cluster(
    directory: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(path: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(path))

    belonging.link_in(directory, home).unlink()
    monkeypatch.setattr(Path, "readlink", hidden)

    found = prune()

    assert [(one.path, one.outcome) for one in found] == [(home, Outcome.KEPT)]
    assert "Permission denied" in found[0].reason
    assert home.exists()


def test_a_cluster_that_can_not_be_removed_is_told_and_tried_again(
    directory: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(directory)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", Mock(side_effect=OSError(30, "Read-only file system")))
        failed = prune()

    assert [(one.path, one.outcome) for one in failed] == [(home, Outcome.FAILED)]
    assert [(one.path, one.outcome) for one in prune()] == [(home, Outcome.REMOVED)]


def test_a_cluster_that_was_never_finished_is_removed_when_nobody_is_at_it(directory: Path, home: Path) -> None:
    unfinished = directory / "postgres.12345678.incomplete"
    (directory / "postgres").rename(unfinished)
    kept = prune()
    shutil.rmtree(directory)

    assert kept == []
    assert [(one.path, one.outcome) for one in prune()] == [(home, Outcome.REMOVED)]


def test_a_cluster_of_an_earlier_version_is_kept_unless_that_is_asked_for(directory: Path, home: Path) -> None:
    shutil.rmtree(home / belonging.RECORDS)
    shutil.rmtree(directory)

    kept = prune()
    removed = prune(unclaimed=True)

    assert [(one.path, one.outcome) for one in kept] == [(home, Outcome.KEPT)]
    assert [(one.path, one.outcome) for one in removed] == [(home, Outcome.REMOVED)]


@pytest.mark.parametrize(("age", "outcome"), [(0.0, None), (LONG_AGO, Outcome.REMOVED)])
def test_what_was_only_begun_long_ago_is_removed(age: float, outcome: Outcome | None) -> None:
    begun = [programs.system_place("clusters") / "abcdefgh", programs.system_place("programs") / ".18.abcdefgh"]
    for path in begun:
        path.mkdir()
        os.utime(path, times=(time.time() - age,) * 2)

    found = prune()

    assert [(one.path, one.outcome) for one in found] == ([(path, outcome) for path in begun] if outcome else [])
    assert [path.exists() for path in begun] == [outcome is None] * 2


def test_a_link_among_the_clusters_leads_to_nothing_that_is_removed(
    directory: Path, home: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.rmtree(directory)
    home.rename(elsewhere)
    home.symlink_to(elsewhere)

    assert prune() == []
    assert (elsewhere / "data" / "PG_VERSION").exists()


def test_links_within_a_cluster_are_removed_and_not_followed(directory: Path, home: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    for place in (home, home / "data"):
        (place / "link").symlink_to(precious)
    shutil.rmtree(directory)

    prune()

    assert not home.exists()
    assert (precious / "file").exists()


def test_pruning_at_the_same_time_removes_each_once(directory: Path, home: Path) -> None:
    shutil.rmtree(directory)

    with ThreadPoolExecutor() as threads:
        found = [one for result in threads.map(lambda _: prune(), range(8)) for one in result]

    assert [one.outcome for one in found].count(Outcome.REMOVED) == 1
    assert {one.outcome for one in found} <= {Outcome.REMOVED, Outcome.KEPT}
    assert not home.exists()


def test_who_begins_to_use_a_cluster_waits_for_a_removal_and_learns_of_it(directory: Path, home: Path) -> None:
    server = EmbeddedServer(directory, fast=True)
    with ThreadPoolExecutor() as threads:
        with holds.held_alone(home) as alone:
            starting = threads.submit(server.start)
            time.sleep(0.2)
            assert not starting.done()
            shutil.rmtree(home)

        with pytest.raises(EmbeddedServerError, match=r"was removed|is gone"):
            starting.result(timeout=30)

    assert alone
    (directory / "postgres").unlink()
